// The buckets of rules: shared by equal limits, divided by workers, and removed without use.
import { expect, test } from '@jest/globals';
import { Bandwidth } from './bandwidth.ts';

const PLAN = { shared: true, request: 0, response: 1_000 };

test('flows of a rule share a bucket if the limit is that of the rule', () => {
  const bandwidth = new Bandwidth();
  expect(bandwidth.buckets('a', PLAN)).toBe(bandwidth.buckets('a', { ...PLAN }));
  expect(bandwidth.buckets('b', PLAN)).not.toBe(bandwidth.buckets('a', PLAN));
  const single = { ...PLAN, shared: false };
  expect(bandwidth.buckets('a', single)).not.toBe(bandwidth.buckets('a', single));
});

test('each of several workers has its share', () => {
  const { request, response } = new Bandwidth(4).buckets('a', PLAN);
  expect([request, response?.level]).toEqual([null, 25]);
});

test('buckets without use are removed, those with a debt stay', () => {
  const bandwidth = new Bandwidth();
  const owing = bandwidth.buckets('owing', PLAN);
  owing.response?.spend(1_000_000);
  for (let rule = 0; rule < 1_000; rule++) bandwidth.buckets(`rule-${rule}`, PLAN);
  expect(bandwidth.size).toBeLessThan(200);
  expect(bandwidth.buckets('owing', PLAN)).toBe(owing);
});
