// The limit of probes at the same time.
import { expect, test } from '@jest/globals';
import { Slots } from './slots.ts';

test('work waits for a slot, in order', () => {
  const slots = new Slots(2);
  const started: number[] = [];
  for (const number of [1, 2, 3, 4]) slots.take(() => started.push(number));
  expect(started).toEqual([1, 2]);
  slots.release();
  expect(started).toEqual([1, 2, 3]);
  slots.release();
  slots.release();
  slots.take(() => started.push(5));
  expect(started).toEqual([1, 2, 3, 4, 5]);
});

test('withdrawn work takes no slot', () => {
  const slots = new Slots(1);
  const started: number[] = [];
  slots.take(() => started.push(1));
  slots.take(() => started.push(2)).start = null;
  slots.take(() => started.push(3));
  slots.release();
  expect(started).toEqual([1, 3]);
});

test('work that ends within its start frees its slot', () => {
  const slots = new Slots(1);
  let started = 0;
  const work = (): void => {
    started++;
    slots.release();
  };
  for (let count = 0; count < 100; count++) slots.take(work);
  expect(started).toBe(100);
});
