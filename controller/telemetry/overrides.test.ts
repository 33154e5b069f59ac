// Overrides and blocks in force: their bounds and their ends.
import { expect, test } from '@jest/globals';
import { Overrides, type Override } from './overrides.ts';

function endpoint(name: string, state = 'out', at = Date.now()): Override {
  return { kind: 'endpoint', backend: '', endpoint: name, state, at };
}

function block(source: string, until = 0, at = Date.now()): Override {
  return { kind: 'block', backend: '', endpoint: source, state: 'on', at, reason: '', until };
}

test('blocks and other overrides have a bound each, so that neither takes the room of the other', () => {
  const overrides = new Overrides();
  for (let i = 0; i < 1_000; i++) expect(overrides.set(block(`principal:${i}`))).toEqual({ ok: true, value: true });
  expect(overrides.set(block('192.0.2.7'))).toMatchObject({ ok: false, error: expect.stringContaining('1000 blocks') });
  expect(overrides.set(endpoint('10.0.0.1:80'))).toEqual({ ok: true, value: true });
  expect(overrides.set(block('principal:1'))).toMatchObject({ ok: true });
  expect(overrides.set({ ...block('principal:1'), state: 'auto' })).toMatchObject({ ok: true });
  expect(overrides.set(block('192.0.2.7'))).toMatchObject({ ok: true });
});

test('a block that is over is not in force, makes room, and is forgotten with the next change', () => {
  const overrides = new Overrides();
  const over = Date.now() - 1;
  for (let i = 0; i < 1_000; i++) overrides.set(block(`principal:${i}`, over, over - 1));
  expect(overrides.blocks()).toEqual([]);
  expect(overrides.set(block('192.0.2.7', Date.now() + 60_000))).toMatchObject({ ok: true });
  expect(overrides.all().map((each) => each.endpoint)).toEqual(['192.0.2.7']);
});
