import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EncodedResource } from '#api/ir/ir.ts';
import { createLog } from '#lib/log.ts';
import { LastGood } from './last-good.ts';
import type { LastGoodOptions } from './last-good.ts';

const MATERIAL = 'TUlHSEFnRUFNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VI';
const ROUTE = encoded('Route', 'HTTPRoute/a/b/0', '{"text":"two\\nlines, ünicode"}');
const SECRET = encoded('Secret', 'a/tls', JSON.stringify({ privateKey: `-----BEGIN PRIVATE KEY-----\n${MATERIAL}` }));
const ENTRIES = encoded('ObjectData', 'Secret/a/users', JSON.stringify({ data: { htpasswd: MATERIAL } }));

function encoded(kind: EncodedResource['kind'], key: string, body: string): EncodedResource {
  return { kind, key, version: `version of ${key}`, body: Buffer.from(body) };
}

function newKey(): Buffer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

let folder: string;
let file: string;
let messages: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'weir-last-good-'));
  file = path.join(folder, 'last-good');
  messages = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function make(key: Buffer | null, options: Partial<LastGoodOptions> = {}): LastGood {
  const log = createLog('warn', { write: (line) => messages.push(line) });
  const lastGood = new LastGood({ file, log, ...options });
  lastGood.useKey(key);
  return lastGood;
}

async function write(resources: readonly EncodedResource[], key: Buffer | null): Promise<void> {
  const lastGood = make(key);
  lastGood.schedule(() => resources);
  await lastGood.close();
  expect(lastGood.counts).toEqual({ written: 1, failed: 0 });
}

describe('the last good file', () => {
  test('returns the written resources, secrets with the same key', async () => {
    const key = newKey();
    await write([SECRET, ROUTE], key);
    expect(await make(key).load()).toEqual([SECRET, ROUTE]);
    expect(messages).toEqual([]);
  });

  test('shows no key material, and can be read by its owner only', async () => {
    const key = newKey();
    await write([SECRET, ENTRIES, ROUTE], key);
    const text = await readFile(file, 'latin1');
    expect(text).toContain(ROUTE.body.toString('latin1'));
    expect(text).not.toContain(MATERIAL);
    expect(text).not.toContain('PRIVATE');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['last-good']);
  });

  test('omits secrets if there is no key', async () => {
    await write([SECRET, ROUTE], null);
    expect(await make(null).load()).toEqual([ROUTE]);
    expect(await readFile(file, 'latin1')).not.toContain(SECRET.key);
  });

  test('omits resources that only a later release knows, and reports them', async () => {
    const key = newKey();
    const later = encoded('Widget' as 'Route', 'w', '{}');
    await write([SECRET, later, ROUTE], key);
    expect(await make(key).load()).toEqual([SECRET, ROUTE]);
    expect(messages).toEqual([expect.stringContaining('of a later release')]);
  });

  test('returns no secrets with another key, and reports it', async () => {
    await write([SECRET, ROUTE], newKey());
    expect(await make(newKey()).load()).toEqual([ROUTE]);
    expect(messages).toEqual([expect.stringContaining('another key')]);
  });

  test('is empty, without a report, if it does not exist', async () => {
    const lastGood = make(null);
    expect(await lastGood.load()).toEqual([]);
    expect(lastGood.counts.failed).toBe(0);
  });

  test('is ignored and reported if it is cut at any byte', async () => {
    await write([ROUTE], null);
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length++) {
      await truncate(file, length);
      const lastGood = make(null);
      expect([length, await lastGood.load(), lastGood.counts.failed]).toEqual([length, [], 1]);
      await writeFile(file, whole);
    }
    expect(messages).toHaveLength(whole.length);
  });

  test('is ignored if any byte is changed', async () => {
    await write([ROUTE], null);
    const whole = await readFile(file);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = damaged[at]! ^ 1;
      await writeFile(file, damaged);
      expect([at, await make(null).load()]).toEqual([at, []]);
    }
  });

  test('is ignored above the maximum size, and never written above it', async () => {
    await write([ROUTE], null);
    expect(await make(null, { maximum: 10 }).load()).toEqual([]);
    const lastGood = make(null, { maximum: 10 });
    lastGood.schedule(() => [ROUTE]);
    await lastGood.close();
    expect(lastGood.counts).toEqual({ written: 0, failed: 1 });
    expect(await make(null).load()).toEqual([ROUTE]);
  });

  test('that cannot be written is counted, and written as soon as possible', async () => {
    await mkdir(`${file}.new/in-the-way`, { recursive: true });
    const lastGood = make(null);
    lastGood.schedule(() => [ROUTE]);
    await lastGood.close();
    expect(lastGood.counts).toEqual({ written: 0, failed: 1 });
    await rm(`${file}.new`, { recursive: true });
    lastGood.schedule(() => [ROUTE]);
    await lastGood.close();
    expect(await lastGood.load()).toEqual([ROUTE]);
  });

  test('in an impossible place is counted once, without an exception', async () => {
    const lastGood = make(null, { file: '/dev/null/last-good' });
    lastGood.schedule(() => [ROUTE]);
    await lastGood.close();
    expect(lastGood.counts).toEqual({ written: 0, failed: 1 });
    expect(messages).toHaveLength(1);
  });

  test('combines changes within a period', async () => {
    const lastGood = make(null);
    for (let n = 0; n < 100; n++) lastGood.schedule(() => [encoded('Route', 'r', String(n))]);
    await lastGood.close();
    expect(lastGood.counts.written).toBe(1);
    expect(await lastGood.load()).toEqual([encoded('Route', 'r', '99')]);
  });

  test('reports a changed key, so that secrets are encrypted again', () => {
    const lastGood = make(null);
    const key = newKey();
    expect([null, key, Buffer.from(key), newKey(), null].map((next) => lastGood.useKey(next))).toEqual([false, true, false, true, true]);
  });
});
