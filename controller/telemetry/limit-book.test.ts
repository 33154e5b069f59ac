// What a controller makes of the keys that proxies tell.
import { expect, test } from '@jest/globals';
import type { LimitKey } from '#api/wire/limit-keys.ts';
import { LimitBook } from './limit-book.ts';
import type { Order, ProxyEnd } from './hub.ts';

const KEY: LimitKey = {
  ...{ limit: 'a/b/c', plan: '', store: 'Local', key: 'k', limited: false },
  ...{ left: 1, of: 2, cost: 1, resetMs: 1, ageMs: 0 },
};

/** A book of proxies that answer with these lines. */
function bookOf(told: Readonly<Record<string, readonly unknown[]>>): LimitBook {
  const command = async ({ chunk }: Order): Promise<readonly ProxyEnd[]> => {
    for (const [proxy, lines] of Object.entries(told))
      for (const line of lines) await chunk(proxy, Buffer.from(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`));
    return Object.keys(told).map((proxy) => ({ proxy, scope: 'shared', outcome: 'done', reason: '' }));
  };
  const desk = { list: () => Promise.resolve([]), reset: () => Promise.resolve(0) };
  return new LimitBook({ fleet: { command }, desk, resources: () => [] });
}

test('the list is no longer than asked for, however many proxies answer, and says how many keys are left out', async () => {
  const own = (proxy: number) => [...Array.from({ length: 10 }, (_, i) => ({ ...KEY, key: `${proxy}-${i}`, left: i % 2 })), { more: 5 }];
  const told = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p${i}`, own(i)]));
  const listed = await bookOf(told).list('', 15);
  expect(listed.ok && [listed.value.keys.length, listed.value.more]).toEqual([15, 20 * 15 - 15]);
  expect(listed.ok && listed.value.keys.every(({ left }) => left === 0)).toBe(true);
});

test('of a key in Redis only what a proxy has heard last counts', async () => {
  const redis = { ...KEY, store: 'Redis' };
  const told = { one: [{ ...redis, left: 2, ageMs: 9 }], two: [{ ...redis, left: 0, ageMs: 3 }], three: [{ ...redis, left: 1, ageMs: 7 }] };
  expect(await bookOf(told).list('', 10)).toMatchObject({ value: { keys: [{ left: 0, at: '' }] } });
});

test('lines that are no keys are ignored', async () => {
  const told = { one: ['{', { ...KEY, left: -1 }, { ...KEY, limited: 'no' }, 7, KEY] };
  expect(await bookOf(told).list('', 10)).toMatchObject({ value: { keys: [{ key: 'k', at: 'one' }], more: 0 } });
});
