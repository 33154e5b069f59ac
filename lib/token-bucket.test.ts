import { expect, test } from '@jest/globals';
import { TokenBucket, TokenBuckets } from './token-bucket.ts';

test('allows a burst, then a number a second', () => {
  let now = 0;
  const bucket = new TokenBucket({ burst: 2, perSecond: 10, now: () => now });
  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 100]);
  now = 99;
  expect(bucket.take()).toBeGreaterThan(0);
  now = 100;
  expect([bucket.take(), bucket.take()]).toEqual([0, 100]);
});

test('never has more tokens than the burst', () => {
  let now = 0;
  const bucket = new TokenBucket({ burst: 2, perSecond: 10, now: () => now });
  now = 10_000;
  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 100]);
});

test('takes several tokens or none', () => {
  let now = 0;
  const bucket = new TokenBucket({ burst: 5, perSecond: 5, now: () => now });
  expect([bucket.take(3), bucket.take(3), bucket.take(2)]).toEqual([0, 200, 0]);
  now = 600;
  expect(bucket.take(3)).toBe(0);
});

test('has a bucket for each key', () => {
  let now = 0;
  const buckets = new TokenBuckets<string>({ burst: 1, perSecond: 0.1, now: () => now });
  expect([buckets.take('a'), buckets.take('a'), buckets.take('b')]).toEqual([0, 10_000, 0]);
  now = 10_000;
  expect(buckets.take('a')).toBe(0);
});

test('may be overdrawn, and says when the debt is paid', () => {
  let now = 0;
  const bucket = new TokenBucket({ burst: 10, perSecond: 100, now: () => now });
  expect([bucket.spend(10), bucket.spend(30)]).toEqual([0, 300]);
  now = 100;
  expect([bucket.spend(0), bucket.take(1)]).toEqual([200, 210]);
  now = 300;
  expect(bucket.spend(0)).toBe(0);
});
