// The delay of the event loop as a signal of overload.
import { expect, test } from '@jest/globals';
import { LoopDelay } from './loop-delay.ts';

/** A signal whose turns take these milliseconds. */
function measure(threshold: number, turns: readonly number[]): LoopDelay {
  const waiting: (() => void)[] = [];
  const delay = new LoopDelay(threshold, (callback) => void waiting.push(callback));
  for (const turn of turns) {
    delay.sample();
    waiting.shift()?.();
    const until = performance.now() + turn;
    while (performance.now() < until);
    waiting.shift()?.();
  }
  return delay;
}

test('doubles of the threshold are severities', () => {
  expect(measure(1, [8, 8, 8]).severity).toBe(4);
  const twice = measure(5, [10, 10, 10]).severity;
  expect(twice).toBeGreaterThanOrEqual(2);
  expect(measure(10_000, [1, 1, 1]).severity).toBeLessThan(0.5);
});

test('a single long turn is no overload', () => {
  expect(measure(20, [0, 60, 0]).delay).toBeLessThan(20);
  expect(measure(20, [60, 60]).delay).toBe(0);
});

test('one turn is measured at a time', () => {
  const waiting: (() => void)[] = [];
  const delay = new LoopDelay(1, (callback) => void waiting.push(callback));
  delay.sample();
  delay.sample();
  expect(waiting).toHaveLength(1);
});

test('time without events does not count', async () => {
  const delay = new LoopDelay(1);
  for (let i = 0; i < 3; i++) {
    delay.sample();
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 30);
    await promise;
  }
  expect(delay.delay).toBeLessThan(30);
});
