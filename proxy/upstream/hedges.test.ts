// The time from an attempt to the hedged one.
import { describe, expect, test } from '@jest/globals';
import { delayOf } from './hedges.ts';

const PLAN = { delay: 80, minDelay: 20, maxDelay: 200, maxAttempts: 2, grpc: false };

describe('the delay', () => {
  test('is that of the policy without answer times, or as long as there are too few', () => {
    expect([delayOf(PLAN, null), delayOf(PLAN, { percentile: 0 }), delayOf({ ...PLAN, delay: 0 }, { percentile: 0 })]).toEqual([80, 80, 0]);
  });

  test('is the percentile within its bounds', () => {
    expect([5, 50, 5_000].map((percentile) => delayOf(PLAN, { percentile }))).toEqual([20, 50, 200]);
    expect(delayOf({ ...PLAN, minDelay: 0, maxDelay: Infinity }, { percentile: 3 })).toBe(3);
  });
});
