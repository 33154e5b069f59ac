import { describe, expect, test } from '@jest/globals';
import { DURATION_BUCKETS, Histogram, quantile } from './histogram.ts';

function bucketsOf(...durations: readonly number[]): readonly number[] {
  const histogram = new Histogram();
  for (const ms of durations) histogram.observe(ms);
  return Array.from({ length: DURATION_BUCKETS }, (_, index) => histogram.bucket(index));
}

describe('quantile', () => {
  test('is null without durations', () => {
    expect(quantile(bucketsOf(), 0.5)).toBeNull();
  });

  test('lies in the bucket of the duration', () => {
    const buckets = bucketsOf(...Array.from({ length: 99 }, () => 7), 700);
    expect(quantile(buckets, 0.5)).toBeGreaterThan(5);
    expect(quantile(buckets, 0.5)).toBeLessThanOrEqual(10);
    expect(quantile(buckets, 0.999)).toBeGreaterThan(500);
    expect(quantile(buckets, 0.999)).toBeLessThanOrEqual(1_000);
  });

  test('is the greatest bound for durations above it', () => {
    expect(quantile(bucketsOf(100_000), 0.5)).toBe(60_000);
  });
});
