// Overrides in a real store.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import { OffStore } from '#lib/store/off-store.ts';
import { SqliteStore } from '#lib/store/sqlite-store.ts';
import { KeptOverrides } from './kept-overrides.ts';
import type { KeptOverride } from './kept-overrides.ts';
import { SCHEMA } from './schema.ts';

const LOG = createLog('silent');
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-overrides-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function override(endpoint: string, state: string, at: number): KeptOverride {
  return { kind: 'endpoint', backend: '', endpoint, state, at };
}

test('overrides last over a restart, the newest of each endpoint', async () => {
  const store = new SqliteStore({ file: path.join(folder, 'store'), schema: SCHEMA });
  const kept = new KeptOverrides(store, LOG);
  await kept.keep(override('a', 'out', 1));
  await kept.keep(override('a', 'auto', 3));
  await kept.keep(override('a', 'in', 2));
  await kept.keep(override('b', 'out', 1));
  await store.close();
  const again = new SqliteStore({ file: path.join(folder, 'store'), schema: SCHEMA });
  const loaded: KeptOverride[] = [];
  await new KeptOverrides(again, LOG).load((overrides) => loaded.push(...overrides));
  expect(loaded.toSorted((one, other) => (one.endpoint < other.endpoint ? -1 : 1))).toEqual([
    override('a', 'auto', 3),
    override('b', 'out', 1),
  ]);
  await again.close();
});

test('blocks keep their reason and end; those that are over are forgotten', async () => {
  const store = new SqliteStore({ file: path.join(folder, 'store'), schema: SCHEMA });
  const kept = new KeptOverrides(store, LOG);
  const block = { kind: 'block', backend: '', endpoint: '10.0.0.0/8', state: 'on', at: 10, reason: 'scan', until: 5_000 };
  await kept.keep({ ...block, endpoint: '10.0.0.1', until: 15 });
  await kept.keep({ ...block, reason: 'older', at: 9 });
  await kept.keep(block);
  await kept.keep(override('a', 'out', 20));
  const loaded: KeptOverride[] = [];
  await new KeptOverrides(store, LOG).load((overrides) => loaded.push(...overrides));
  expect(loaded.toSorted((one, other) => (one.endpoint < other.endpoint ? -1 : 1))).toEqual([block, override('a', 'out', 20)]);
  await store.close();
});

test('without a store nothing is known', async () => {
  let calls = 0;
  const kept = new KeptOverrides(new OffStore(), LOG);
  await kept.keep(override('a', 'out', 1));
  await kept.load(() => calls++);
  expect(calls).toBe(0);
});
