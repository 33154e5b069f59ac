import { expect, test } from '@jest/globals';
import { RateLimit } from './rate-limit.ts';

test('lets a burst through, then so many a second', () => {
  let now = 0;
  const limit = new RateLimit({ burst: 2, perSecond: 10, now: () => now });
  expect([limit.take(), limit.take(), limit.take()]).toEqual([0, 0, 100]);
  now = 99;
  expect(limit.take()).toBeGreaterThan(0);
  now = 100;
  expect([limit.take(), limit.take()]).toEqual([0, 100]);
});

test('saves up no more than the burst', () => {
  let now = 0;
  const limit = new RateLimit({ burst: 2, perSecond: 10, now: () => now });
  now = 10_000;
  expect([limit.take(), limit.take(), limit.take()]).toEqual([0, 0, 100]);
});
