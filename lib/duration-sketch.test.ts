// Percentiles of a sketch beside the exact ones over a million durations, and what is packed.
import { describe, expect, test } from '@jest/globals';
import { DurationSketch, SKETCH_BUCKETS } from './duration-sketch.ts';

const COUNT = 1_000_000;

/** The same numbers in each run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const DISTRIBUTIONS: Readonly<Record<string, (next: () => number) => number>> = {
  exponential: (next) => -Math.log(1 - next()) * 120,
  'log-normal': (next) => Math.exp(2.5 + 0.8 * normal(next)),
  Pareto: (next) => 0.5 / (1 - next()) ** (1 / 1.5),
  bimodal: (next) => (next() < 0.93 ? 0.8 + next() * 0.4 : 900 + next() * 400),
};

describe('percentiles are within 2 % of the exact ones', () => {
  test.each(Object.entries(DISTRIBUTIONS))('%s', (_, draw) => {
    const next = numbers(7);
    const durations = new Float64Array(COUNT);
    // Ten proxies count, and their sketches travel packed.
    const proxies = Array.from({ length: 10 }, () => new DurationSketch());
    for (let index = 0; index < COUNT; index++) {
      const ms = draw(next);
      durations[index] = ms;
      proxies[index % 10]?.observe(ms);
    }
    durations.sort();
    const all = new DurationSketch();
    for (const proxy of proxies) expect(all.unpack(proxy.pack())).toBe(true);
    expect(all.total).toBe(COUNT);
    for (const share of [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1]) {
      const exact = durations[Math.max(0, Math.ceil(share * COUNT) - 1)] ?? 0;
      const error = Math.abs((all.quantile(share) ?? 0) / exact - 1);
      expect([share, error < 0.02]).toEqual([share, true]);
    }
  });
});

test('durations out of the range count at its ends', () => {
  const sketch = new DurationSketch();
  for (const ms of [0, -0, -5, NaN, 1e-9]) sketch.observe(ms);
  expect(sketch.quantile(1)).toBeLessThan(0.02);
  sketch.observe(1e12);
  sketch.observe(Infinity);
  expect(sketch.total).toBe(7);
  expect(sketch.quantile(1)).toBeGreaterThan(8e6);
});

test('a sketch without durations has no percentile and no bytes', () => {
  const sketch = new DurationSketch();
  expect([sketch.quantile(0.5), sketch.pack().length]).toEqual([null, 0]);
  sketch.observe(3);
  sketch.take();
  expect([sketch.quantile(0.5), sketch.total]).toEqual([null, 0]);
});

test('counts of any size survive the packing, and most buckets take a byte', () => {
  const sketch = new DurationSketch();
  sketch.add(1, 2 ** 40);
  sketch.add(1.04, 1);
  sketch.add(50_000, 15);
  const copy = new DurationSketch();
  expect(copy.unpack(sketch.pack())).toBe(true);
  expect(copy.total).toBe(2 ** 40 + 16);
  expect(copy.pack()).toEqual(sketch.pack());
  const small = new DurationSketch();
  for (let ms = 10; ms < 14; ms += 0.05) small.observe(ms);
  expect(small.pack().length).toBeLessThan(20);
});

test('bytes that are no sketch add nothing', () => {
  const sketch = new DurationSketch();
  const hostile = [
    [0],
    [0, 0, 0],
    [0x10],
    [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    [0, 0x80, 0x08, 1],
    [0x11, 0, 1],
    Array.from({ length: SKETCH_BUCKETS + 1 }, () => 1),
    Array.from({ length: 100_000 }, () => 1),
  ];
  for (const bytes of hostile) expect([bytes.slice(0, 4), sketch.unpack(Uint8Array.from(bytes))]).toEqual([bytes.slice(0, 4), false]);
  expect(sketch.total).toBe(0);
});
