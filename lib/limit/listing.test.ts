import { expect, test } from '@jest/globals';
import { meterOf } from './algorithm.ts';
import { Listing, listTable, rankOf, resetTable } from './listing.ts';
import type { KeyState } from './listing.ts';
import { MeterTable } from './meter-table.ts';

const limit = { id: 'limit', capacity: 4, cost: 1 };
const clocks = { steady: () => 0, wall: () => 0 };

function table(taken: Readonly<Record<string, number>>): MeterTable {
  const meters = new MeterTable(() => meterOf({ kind: 'SlidingWindow', limit: 4, periodMs: 1_000 }, clocks), 10_000);
  for (const [key, count] of Object.entries(taken)) meters.of(key).take(count);
  return meters;
}

test('a list has the keys with least left first, leaves out those that count nothing, and says how many have no room', async () => {
  const listing = new Listing<KeyState>(2);
  await listTable(limit, table({ one: 1, empty: 4, none: 0, three: 3 }), listing);
  expect(listing.values.map(({ key, left }) => [key, left])).toEqual([
    ['empty', 0],
    ['three', 1],
  ]);
  expect(listing.more).toBe(1);
});

test('keys that cannot pay a request come before those of another limit with a smaller part left', () => {
  const listing = new Listing<string>(2);
  listing.add(rankOf(limit, 1), 'passes');
  listing.add(rankOf({ ...limit, cost: 3 }, 2), 'waits');
  expect(listing.values).toEqual(['waits', 'passes']);
});

test('a reset concerns the meant keys only, and long tables let other work go on', async () => {
  const meters = table(Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 1])));
  let turns = 0;
  const count = (): void => void (turns++, (immediate = setImmediate(count)));
  let immediate = setImmediate(count);
  expect(await resetTable(meters, (key) => key.endsWith('7'))).toBe(500);
  clearImmediate(immediate);
  expect([meters.size, meters.find('k7'), turns >= 2]).toEqual([4_500, undefined, true]);
});
