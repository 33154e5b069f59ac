import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  test.each([
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['100ms', 100],
    ['0s', 0],
    ['1h1m1s1ms', 3_661_001],
    ['99999h', 359_996_400_000],
    ['1m1m', 120_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: ms });
  });

  test.each(['', '10', 's', '-1s', '1.5s', '1d', '10 s', '1us', '100000s', '1h1m1s1ms1s', '1s\n', 'Infinity'])('%j is refused', (text) => {
    expect(parseDuration(text).ok).toBe(false);
  });
});

describe('formatDuration', () => {
  test('formats 0 as 0s', () => {
    expect(formatDuration(0)).toBe('0s');
  });

  test('is the inverse of parseDuration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999 * 3_600_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, value: ms });
      }),
    );
  });
});
