// Quantiles of a sketch against those of all times.
import { describe, expect, test } from '@jest/globals';
import { TimeSketch } from './time-sketch.ts';

/** Times from 0.2 ms to some seconds, few of them long; the same in each run. */
function times(count: number, seed = 1): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return 0.2 * Math.exp(10 * (state / 2_147_483_647) ** 3);
  });
}

function sketchOf(values: readonly number[]): TimeSketch {
  const sketch = new TimeSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

describe('a quantile', () => {
  test.each([0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1])('of %p differs by at most 2.5 %%', (share) => {
    const values = times(20_000);
    const exact = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] as number;
    expect(Math.abs(sketchOf(values).quantile(share) / exact - 1)).toBeLessThan(0.0251);
  });

  test('of no times is 0, and of one time is that time', () => {
    expect(new TimeSketch().quantile(0.95)).toBe(0);
    expect(sketchOf([80]).quantile(0.95) / 80).toBeCloseTo(1, 1);
  });

  test('of extreme times stays finite', () => {
    const sketch = sketchOf([0, 1e-9, 1e12]);
    expect([sketch.quantile(0.01), sketch.quantile(1)].every((ms) => ms > 0 && Number.isFinite(ms))).toBe(true);
  });
});

test('two sketches add up to that of all times', () => {
  const [first, second] = [times(500), times(700, 7)];
  const merged = sketchOf(first);
  merged.merge(sketchOf(second));
  const whole = sketchOf([...first, ...second]);
  expect(merged.total).toBe(1_200);
  for (const share of [0.1, 0.5, 0.99]) expect(merged.quantile(share)).toBe(whole.quantile(share));
  merged.clear();
  expect([merged.total, merged.quantile(0.5)]).toEqual([0, 0]);
});
