import { describe, expect, test } from '@jest/globals';
import { Backoff } from './backoff.ts';

describe('Backoff', () => {
  test('doubles up to the maximum, and restarts after a success', () => {
    const backoff = new Backoff({ minimum: 100, maximum: 500, random: () => 1 });
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([100, 200, 400, 500, 500]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  test('each wait is at least half of its upper limit', () => {
    const backoff = new Backoff({ minimum: 100, maximum: 500, random: () => 0 });
    expect([backoff.next(), backoff.next()]).toEqual([50, 100]);
  });
});
