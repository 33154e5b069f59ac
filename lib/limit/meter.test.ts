// Each algorithm exactly, and against a slow model that says what it promises.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { meterOf } from './algorithm.ts';
import type { Algorithm } from './algorithm.ts';
import { UNKNOWN, takeUpTo } from './meter.ts';
import type { Meter } from './meter.ts';

class Clock {
  now = 0;
  readonly clocks = { steady: () => this.now, wall: () => this.now };
}

function metered(algorithm: Algorithm, now = 0): { clock: Clock; meter: Meter } {
  const clock = new Clock();
  clock.now = now;
  return { clock, meter: meterOf(algorithm, clock.clocks) };
}

function takes(meter: Meter, count: number): number {
  return Array.from({ length: count }, () => meter.take(1)).filter(Boolean).length;
}

describe('token bucket', () => {
  test('gives a burst, then the rate', () => {
    const { clock, meter } = metered({ kind: 'TokenBucket', limit: 10, periodMs: 1_000, burst: 3 });
    expect(takes(meter, 10)).toBe(3);
    expect([meter.left(), meter.waitMs(1), meter.resetMs()]).toEqual([0, 100, 300]);
    clock.now = 250;
    expect([meter.left(), takes(meter, 10)]).toEqual([2, 2]);
  });

  test('has a debt after a cost that it could not pay', () => {
    const { clock, meter } = metered({ kind: 'TokenBucket', limit: 10, periodMs: 1_000, burst: 3 });
    meter.charge(5);
    expect([meter.left(), meter.take(1), meter.waitMs(1)]).toEqual([0, false, 300]);
    clock.now = 300;
    expect(meter.take(1)).toBe(true);
  });
});

describe('sliding window', () => {
  test('gives exactly the limit in any window', () => {
    const { clock, meter } = metered({ kind: 'SlidingWindow', limit: 5, periodMs: 10_000 });
    expect(takes(meter, 3)).toBe(3);
    clock.now = 4_000;
    expect([takes(meter, 9), meter.left(), meter.waitMs(1), meter.waitMs(4), meter.resetMs()]).toEqual([2, 0, 6_000, 10_000, 10_000]);
    clock.now = 9_999;
    expect(meter.take(1)).toBe(false);
    clock.now = 10_000;
    expect(takes(meter, 9)).toBe(3);
    clock.now = 14_000;
    expect(takes(meter, 9)).toBe(2);
  });

  test('takes back what was not used', () => {
    const { meter } = metered({ kind: 'SlidingWindow', limit: 5, periodMs: 10_000 });
    expect(takeUpTo(meter, 9)).toBe(5);
    meter.giveBack(2);
    expect([meter.left(), takeUpTo(meter, 9), meter.left()]).toEqual([2, 2, 0]);
  });
});

describe('fixed window', () => {
  test('is full again when the window of the clock ends', () => {
    const { clock, meter } = metered({ kind: 'FixedWindow', limit: 5, periodMs: 10_000 }, 19_000);
    expect([takes(meter, 9), meter.waitMs(1), meter.resetMs()]).toEqual([5, 1_000, 1_000]);
    clock.now = 20_000;
    expect(takes(meter, 9)).toBe(5);
  });

  test('gives nothing twice if the clock is set back a little', () => {
    const { clock, meter } = metered({ kind: 'FixedWindow', limit: 5, periodMs: 10_000 }, 20_000);
    expect(takes(meter, 9)).toBe(5);
    clock.now = 19_000;
    expect(meter.take(1)).toBe(false);
    clock.now = 20_001;
    expect(meter.take(1)).toBe(false);
    clock.now = 30_000;
    expect(meter.take(1)).toBe(true);
  });

  test('does not wait for a clock that was far ahead', () => {
    const { clock, meter } = metered({ kind: 'FixedWindow', limit: 5, periodMs: 10_000 }, 1e9);
    expect(takes(meter, 9)).toBe(5);
    clock.now = 50_000;
    expect(meter.take(1)).toBe(true);
  });
});

describe('quota', () => {
  test.each([
    ['Minute', '2026-03-01T10:20:59Z', '2026-03-01T10:21:00Z'],
    ['Hour', '2026-03-01T10:20:59Z', '2026-03-01T11:00:00Z'],
    ['Day', '2026-03-01T10:20:59Z', '2026-03-02T00:00:00Z'],
    ['Week', '2026-11-29T10:20:59Z', '2026-11-30T00:00:00Z'],
    ['Month', '2028-02-29T10:20:59Z', '2028-03-01T00:00:00Z'],
    ['Month', '2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z'],
  ] as const)('of a %s ends with it', (unit, now, end) => {
    const { clock, meter } = metered({ kind: 'Quota', limit: 2, unit }, Date.parse(now));
    expect(takes(meter, 3)).toBe(2);
    expect(meter.resetMs()).toBe(Date.parse(end) - Date.parse(now));
    clock.now = Date.parse(end) - 1;
    expect(meter.take(1)).toBe(false);
    clock.now = Date.parse(end);
    expect(meter.take(1)).toBe(true);
  });
});

test('concurrency gives a unit again when its request ends', () => {
  const { meter } = metered({ kind: 'Concurrency', limit: 2 });
  expect([takes(meter, 3), meter.waitMs(1), meter.resetMs()]).toEqual([2, UNKNOWN, UNKNOWN]);
  meter.giveBack(1);
  expect([takes(meter, 3), meter.left()]).toEqual([1, 0]);
});

/** The steps of a caller: waits, takes, is charged, gives back. */
interface Step {
  readonly wait: number;
  readonly cost: number;
}

const steps = fc.array(fc.record({ wait: fc.nat({ max: 700 }), cost: fc.integer({ min: 1, max: 4 }) }), { maxLength: 200 });

/** The moments of what a meter let through, with their costs. */
function run(algorithm: Algorithm, taken: readonly Step[]): { readonly at: number; readonly cost: number; readonly allowed: boolean }[] {
  const { clock, meter } = metered(algorithm);
  return taken.map(({ wait, cost }) => {
    clock.now += wait;
    const waitMs = meter.waitMs(cost);
    const left = meter.left();
    const allowed = meter.take(cost);
    // A meter does as it says.
    expect([waitMs === 0, left >= cost]).toEqual([allowed, allowed]);
    return { at: clock.now, cost, allowed };
  });
}

const total = (events: readonly { readonly cost: number }[]): number => events.reduce((sum, { cost }) => sum + cost, 0);

describe('against a model', () => {
  test('a small sliding window is a log of requests', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 4, max: 30 }), (all, limit) => {
        const log: { at: number; cost: number }[] = [];
        for (const { at, cost, allowed } of run({ kind: 'SlidingWindow', limit, periodMs: 2_000 }, all)) {
          const inWindow = log.filter((event) => at - event.at < 2_000);
          expect(allowed).toBe(total(inWindow) + cost <= limit);
          if (allowed) log.push({ at, cost });
        }
      }),
    );
  });

  test('a large sliding window never exceeds its limit, and is at most 1/125 of the window late', () => {
    const many = fc.array(fc.record({ wait: fc.nat({ max: 90 }), cost: fc.integer({ min: 1, max: 60 }) }), { maxLength: 300 });
    fc.assert(
      fc.property(many, fc.integer({ min: 129, max: 500 }), (all, limit) => {
        const log: { at: number; cost: number }[] = [];
        for (const { at, cost, allowed } of run({ kind: 'SlidingWindow', limit, periodMs: 2_000 }, all)) {
          const exact = total(log.filter((event) => at - event.at < 2_000));
          const late = total(log.filter((event) => at - event.at < 2_016));
          if (allowed) expect(exact + cost).toBeLessThanOrEqual(limit);
          else expect(late + cost).toBeGreaterThan(limit);
          if (allowed) log.push({ at, cost });
        }
      }),
    );
  });

  test('a token bucket allows the burst and the rate in any stretch, and no less', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 4, max: 20 }), (all, burst) => {
        let [tokens, at] = [burst, 0];
        for (const event of run({ kind: 'TokenBucket', limit: 5, periodMs: 1_000, burst }, all)) {
          tokens = Math.min(burst, tokens + ((event.at - at) * 5) / 1_000);
          at = event.at;
          expect(event.allowed).toBe(tokens + 1e-6 >= event.cost);
          if (event.allowed) tokens -= event.cost;
        }
      }),
    );
  });

  test('a fixed window counts by the number of the window', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 4, max: 20 }), (all, limit) => {
        const byWindow = new Map<number, number>();
        for (const { at, cost, allowed } of run({ kind: 'FixedWindow', limit, periodMs: 1_000 }, all)) {
          const window = Math.floor(at / 1_000);
          const taken = byWindow.get(window) ?? 0;
          expect(allowed).toBe(taken + cost <= limit);
          if (allowed) byWindow.set(window, taken + cost);
        }
      }),
    );
  });
});
