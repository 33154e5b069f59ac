import { expect, test } from '@jest/globals';
import { expiryFamily } from './certificate-expiry.ts';

test('each Secret has a series, in order of expiry, and those above the maximum share the earliest expiry', () => {
  const expiries = Array.from({ length: 1_500 }, (_, index) => [`ns/${index}`, (1_500 - index) * 1_000] as const);
  const samples = expiryFamily(() => expiries).read();
  expect(samples).toHaveLength(1_001);
  expect(samples[0]).toEqual({ labels: { secret: 'ns/1499' }, value: 1 });
  expect(samples.at(-1)).toEqual({ labels: { secret: 'other' }, value: 1_001 });
});
