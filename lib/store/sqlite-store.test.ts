// The store in a file: durability, locks, and files that cannot be used.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { REVISIONS, testStore } from '../../test/support/store-suite.ts';
import { SqliteStore } from './sqlite-store.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-store-'));
  file = path.join(folder, 'below', 'store.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a store of SQLite', () => {
  testStore((schema) => new SqliteStore({ file, schema }));
});

const COUNT = 'SELECT COUNT(*) AS count FROM weir_revision';

describe('the file of a store', () => {
  test('is created at the first use, for the user of the process only', async () => {
    const store = new SqliteStore({ file, schema: REVISIONS });
    expect(() => statSync(file)).toThrow('ENOENT');
    expect(await store.read((t) => t.rows(COUNT))).toEqual({ ok: true, value: [{ count: 1 }] });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    await store.close();
    expect(await store.read((t) => t.rows(COUNT))).toEqual({ ok: false, error: `${file} is closed, since the program stops` });
  });

  test('is synchronised with the disk before a write is confirmed', async () => {
    const store = new SqliteStore({ file, schema: REVISIONS });
    const settings = await store.read(async (t) => [...(await t.rows('PRAGMA synchronous')), ...(await t.rows('PRAGMA journal_mode'))]);
    expect(settings).toEqual({ ok: true, value: [{ synchronous: 2 }, { journal_mode: 'wal' }] });
    await store.close();
  });

  test('is named if another program holds its lock, and is usable after that', async () => {
    const store = new SqliteStore({ file, schema: REVISIONS, patience: 50 });
    await store.read((t) => t.rows(COUNT));
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    const refused = await store.write((t) => t.run('UPDATE weir_revision SET revision = 1'));
    expect(refused).toEqual({ ok: false, error: expect.stringContaining(`${file} is locked by another program: stop that program`) });
    other.exec('COMMIT');
    other.close();
    expect(await store.write((t) => t.run('UPDATE weir_revision SET revision = 1'))).toEqual({ ok: true, value: 1 });
    await store.close();
  });

  test('is named if it is not a database, and stays as it is', async () => {
    file = path.join(folder, 'text');
    writeFileSync(file, 'not a database '.repeat(100));
    const store = new SqliteStore({ file, schema: REVISIONS });
    const error = expect.stringContaining(`${file} is not a database of SQLite: choose another file`);
    expect(await store.read((t) => t.rows(COUNT))).toEqual({ ok: false, error });
    expect(readFileSync(file, 'utf8')).toBe('not a database '.repeat(100));
    await store.close();
  });

  test('is named if it is damaged', async () => {
    const store = new SqliteStore({ file, schema: REVISIONS });
    await store.write(async (t) => {
      await t.run('CREATE TABLE filler (value TEXT)');
      for (let row = 0; row < 200; row++) await t.run('INSERT INTO filler (value) VALUES (?)', ['x'.repeat(500)]);
    });
    await store.close();
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 4_096), Buffer.alloc(bytes.length - 4_096, 0x55)]));
    const damaged = new SqliteStore({ file, schema: REVISIONS });
    expect(await damaged.read((t) => t.rows(COUNT))).toEqual({ ok: false, error: expect.stringContaining(`${file} is damaged`) });
    await damaged.close();
  });

  test('is named if its folder cannot be created', async () => {
    writeFileSync(path.join(folder, 'below'), '');
    const store = new SqliteStore({ file, schema: REVISIONS });
    expect(await store.read((t) => t.rows(COUNT))).toMatchObject({ ok: false, error: expect.stringContaining(path.join(folder, 'below')) });
    await store.close();
  });

  test('is away, and stops nothing else, after the working folder of its relative name was deleted', () => {
    const script = `
      import { rmSync } from 'node:fs';
      import { SqliteStore } from ${JSON.stringify(path.resolve(import.meta.dirname, 'sqlite-store.ts'))};
      const store = new SqliteStore({ file: 'one/two/store.sqlite', schema: ${JSON.stringify(REVISIONS)} });
      rmSync(process.cwd(), { recursive: true });
      console.log(JSON.stringify(await store.read((t) => t.rows('SELECT 1 AS one'))));
    `;
    const options = { cwd: folder, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' } as const;
    const { stdout, signal } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      options,
    );
    expect(signal).toBeNull();
    expect(JSON.parse(stdout)).toEqual({ ok: false, error: expect.stringContaining('working directory') });
  });

  test('is created again if it was removed, so that no change goes to a file without a name', async () => {
    const store = new SqliteStore({ file, schema: REVISIONS });
    await store.write((t) => t.run('UPDATE weir_revision SET revision = 7'));
    rmSync(path.dirname(file), { recursive: true });
    expect(await store.read((t) => t.rows('SELECT revision FROM weir_revision'))).toEqual({ ok: true, value: [{ revision: 0 }] });
    expect(statSync(file).size).toBeGreaterThan(0);
    await store.close();
  });

  test('does not stop the event loop while it waits for the disk', async () => {
    const store = new SqliteStore({ file, schema: REVISIONS });
    await store.read((t) => t.rows(COUNT));
    let turns = 0;
    const count = (): void => void (turns++, (timer = setImmediate(count)));
    let timer = setImmediate(count);
    const long = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT MAX(i) AS last FROM n';
    expect(await store.read((t) => t.rows(long))).toEqual({ ok: true, value: [{ last: 300_000 }] });
    clearImmediate(timer);
    expect(turns).toBeGreaterThan(10);
    await store.close();
  });

  test('can be used by two programs at a time', async () => {
    const [one, two] = [new SqliteStore({ file, schema: REVISIONS }), new SqliteStore({ file, schema: REVISIONS })];
    const increase = 'UPDATE weir_revision SET revision = revision + 1';
    await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).write((t) => t.run(increase))));
    expect(await one.read((t) => t.rows('SELECT revision FROM weir_revision'))).toEqual({ ok: true, value: [{ revision: 20 }] });
    await Promise.all([one.close(), two.close()]);
  });

  test('that may not be written is named, except for root', async () => {
    const store = new SqliteStore({ file, schema: REVISIONS });
    await store.read((t) => t.rows(COUNT));
    await store.close();
    chmodSync(file, 0o400);
    const again = new SqliteStore({ file, schema: REVISIONS });
    const result = await again.read((t) => t.rows(COUNT));
    if (process.getuid?.() !== 0) expect(result).toMatchObject({ ok: false, error: expect.stringContaining(file) });
    await again.close();
  });
});
