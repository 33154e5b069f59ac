// The flags of a store.
import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { caught, FlagValues } from './flags.ts';
import { readStore, storeFlags } from './store-settings.ts';

function read(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  return caught(() => readStore(new FlagValues(args, storeFlags('a file'), environment), environment, '/var/lib/weir/store.sqlite'));
}

test('a store is a file by default, or another file, or off', () => {
  expect(read([])).toEqual({ ok: true, value: { kind: 'sqlite', file: '/var/lib/weir/store.sqlite' } });
  expect(read(['--store', 'data.sqlite'])).toEqual({ ok: true, value: { kind: 'sqlite', file: 'data.sqlite' } });
  expect(read(['--store=off'])).toEqual({ ok: true, value: { kind: 'off' } });
});

test('the password of a database is read from a file for each connection, or from PGPASSWORD', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-store-'));
  const file = path.join(folder, 'password');
  const password = async (result: ReturnType<typeof read>) =>
    result.ok && result.value.kind === 'postgres' ? result.value.password() : 'none';
  try {
    const url = 'postgres://weir@db/weir?sslmode=verify-full';
    const given = read(['--store', url, '--store-password-file', file], { PGPASSWORD: 'variable' });
    await expect(password(given)).rejects.toThrow(/ENOENT/);
    writeFileSync(file, 'one two\n');
    expect(await password(given)).toBe('one two');
    writeFileSync(file, 'three');
    expect(await password(given)).toBe('three');
    expect(await password(read([], { WEIR_STORE: url, PGPASSWORD: 'variable' }))).toBe('variable');
    expect(await password(read(['--store', url]))).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(['postgres://weir:secret@db/weir', 'postgresql://weir@db/weir?password=secret'])(
  'a password in the URL is refused: %s',
  (url) => {
    const result = read(['--store', url]);
    expect(result).toEqual({ ok: false, error: expect.stringContaining('write the password to a file for --store-password-file') });
    expect(JSON.stringify(result)).not.toContain('secret');
  },
);

test.each(['mysql://db/weir', 'postgres://db', 'postgres://', 'postgres://db:port/weir', 'https://db/weir'])('%s is refused', (url) => {
  expect(read(['--store', url])).toMatchObject({ ok: false, error: expect.stringContaining('postgres://USER@HOST:PORT/DATABASE') });
});
