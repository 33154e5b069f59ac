// The keys of sessions: their rotation, the file of `weir up`, and the source that reports them.
import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import type { Change } from '../watch/event.ts';
import { SessionKeyFile } from './session-key-file.ts';
import { advanceSessionKeys, ANNOUNCEMENT, KEY_LIFETIME, keysOf } from './session-key-rotation.ts';
import { SessionKeySource } from './session-key-source.ts';
import type { KeptSessionKeys } from './session-key-source.ts';

const START = Date.UTC(2030, 0, 1);
const KEY = /^[A-Za-z0-9+/]{43}=$/;
const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-sessions-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the rotation', () => {
  test('makes a key and keeps it for its life', () => {
    const first = advanceSessionKeys({}, START);
    expect(keysOf(first)).toEqual([expect.stringMatching(KEY)]);
    expect(advanceSessionKeys(first, START + KEY_LIFETIME - 1)).toBe(first);
  });

  test('announces the next key before it signs, and the former one still verifies', () => {
    const first = advanceSessionKeys({}, START);
    const announced = advanceSessionKeys(first, START + KEY_LIFETIME);
    const [current, next] = keysOf(announced);
    expect([current, next]).toEqual([keysOf(first)[0], expect.stringMatching(KEY)]);
    expect(advanceSessionKeys(announced, START + KEY_LIFETIME + ANNOUNCEMENT - 1)).toBe(announced);
    const rotated = advanceSessionKeys(announced, START + KEY_LIFETIME + ANNOUNCEMENT);
    expect(keysOf(rotated)).toEqual([next, current]);
    expect(keysOf(advanceSessionKeys(rotated, START + 2 * (KEY_LIFETIME + ANNOUNCEMENT)))).toEqual([
      next,
      expect.stringMatching(KEY),
      current,
    ]);
  });

  test.each([
    ['current', 'nonsense'],
    ['currentSince', 'nonsense'],
  ])('replaces data with a damaged %s', (entry, value) => {
    const mended = advanceSessionKeys({ ...advanceSessionKeys({}, START), [entry]: value }, START);
    expect(keysOf(mended)).toEqual([expect.stringMatching(KEY)]);
  });
});

describe('the file', () => {
  test('is for its owner only, and keeps the keys', async () => {
    const file = path.join(folder, '.weir', 'session-keys.json');
    const written = await new SessionKeyFile(file).bring((data) => advanceSessionKeys(data, START));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await new SessionKeyFile(file).bring((data) => advanceSessionKeys(data, START))).toEqual(written);
  });

  test.each(['', 'nonsense', '[1]', '"a"', '{"current":1}'])('with the content %j is replaced', async (content) => {
    const file = path.join(folder, 'damaged.json');
    writeFileSync(file, content);
    expect(keysOf(await new SessionKeyFile(file).bring((data) => advanceSessionKeys(data, START)))).toHaveLength(1);
  });
});

describe('the source', () => {
  const silent: KeptSessionKeys = { bring: () => Promise.reject(new Error('cannot be read')) };

  /** The keys that a source reports once an object needs them. */
  async function reported(kept: KeptSessionKeys, mayForget: boolean): Promise<readonly Change[]> {
    const changes: Change[] = [];
    const source = new SessionKeySource({ kept, mayForget, log: createLog('silent') });
    await source.start({ changed: (some) => changes.push(...some), synced: () => undefined, problems: () => undefined });
    expect(source.want({ SessionKeys: false })).toBeNull();
    expect(changes).toEqual([]);
    await source.want({ SessionKeys: true });
    await source.stop();
    return changes;
  }

  test('reads the keys once an object needs them', async () => {
    const kept = new SessionKeyFile(path.join(folder, 'wanted.json'));
    const [first] = await reported(kept, false);
    expect(first).toMatchObject({ type: 'session keys', keys: [expect.stringMatching(KEY)] });
    expect(await reported(kept, false)).toEqual([first]);
  });

  test('has no keys if it cannot read them, and its own only where it may forget them', async () => {
    expect(await reported(silent, false)).toEqual([]);
    expect(await reported(silent, true)).toMatchObject([{ keys: [expect.stringMatching(KEY)] }]);
  });
});
