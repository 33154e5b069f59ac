import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatSize, parseSize } from './size.ts';

describe('parseSize', () => {
  test.each([
    [0, 0],
    [65_536, 65_536],
    ['65536', 65_536],
    ['64Ki', 65_536],
    ['1Mi', 1_048_576],
    ['2Gi', 2_147_483_648],
    ['3k', 3_000],
    ['10M', 10_000_000],
    ['1G', 1_000_000_000],
  ])('%p is %d bytes', (size, bytes) => {
    expect(parseSize(size)).toEqual({ ok: true, value: bytes });
  });

  test.each(['', 'Ki', '1.5Mi', '-1', '1KiB', ' 1', '1Ti', '999999999999999Gi', -1, 1.5, Infinity])('%p is refused', (size) => {
    expect(parseSize(size).ok).toBe(false);
  });
});

test('formatSize is the inverse of parseSize', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), (bytes) => {
      expect(parseSize(formatSize(bytes))).toEqual({ ok: true, value: bytes });
    }),
  );
});
