import { expect, test } from '@jest/globals';
import { meterOf } from './algorithm.ts';
import { MeterTable } from './meter-table.ts';

function table(maxKeys: number, limit = 5) {
  const clock = { now: 0 };
  const clocks = { steady: () => clock.now, wall: () => clock.now };
  const counted = { evictions: 0 };
  const create = () => meterOf({ kind: 'SlidingWindow', limit, periodMs: 1_000 }, clocks);
  return { clock, counted, meters: new MeterTable(create, maxKeys, () => void counted.evictions++) };
}

test('counts keys apart', () => {
  const { meters } = table(10, 1);
  expect([meters.of('a').take(1), meters.of('a').take(1), meters.of('b').take(1)]).toEqual([true, false, true]);
  expect([meters.reset('a'), meters.of('a').take(1), meters.reset('c')]).toEqual([true, true, false]);
});

test('never keeps more keys than its bound', () => {
  const { meters, counted } = table(100);
  for (let i = 0; i < 1_000; i++) meters.of(`k${i}`).take(1);
  expect([meters.size, counted.evictions]).toEqual([100, 900]);
});

test('forgets keys that count nothing any more, without an eviction', () => {
  const { meters, clock, counted } = table(1_000);
  for (let i = 0; i < 100; i++) meters.of(`old${i}`).take(1);
  clock.now = 1_000;
  for (let i = 0; i < 100; i++) meters.of(`new${i}`).take(1);
  expect([meters.size, counted.evictions]).toEqual([100, 0]);
});

test('keeps an empty key while others lose less', () => {
  const { meters } = table(8, 3);
  while (meters.of('empty').take(1));
  for (let i = 0; i < 1_000; i++) meters.of(`k${i}`).take(1);
  expect(meters.find('empty')?.left()).toBe(0);
});
