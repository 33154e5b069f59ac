// The published test vectors of MurmurHash3 for x86 with 32 bits, for inputs of an even number of bytes, and the spread of similar keys.
import { expect, test } from '@jest/globals';
import { murmur, spread } from './murmur.ts';

test.each([
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['\uffff\uffff', 0, 0x76293b50],
  ['\u4321\u8765', 0, 0xf55b516b],
  ['\u4321\u8765', 0x5082edee, 0x2362f9de],
  ['\u4321', 0, 0xa0f7b07a],
  ['\0\0', 0, 0x2362f9de],
  ['\0', 0, 0x30f4c306],
])('the hash of %j with seed %d', (text, seed, hash) => {
  expect(murmur(text, seed)).toBe(hash);
});

test('similar keys are spread evenly', () => {
  const counts = new Array<number>(64).fill(0);
  for (let i = 0; i < 64_000; i++) counts[murmur(`user-${i}`, 0) % 64]!++;
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1_150);
});

test('neighbouring numbers are spread evenly', () => {
  const counts = new Array<number>(64).fill(0);
  for (let i = 0; i < 64_000; i++) counts[spread(i) >>> 26]!++;
  expect(Math.min(...counts)).toBeGreaterThan(850);
});
