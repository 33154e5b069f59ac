import { expect, test } from '@jest/globals';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { turnTime } from './turn-clock.ts';

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('is constant within a turn and advances with the next', async () => {
  await setImmediate();
  const before = performance.now();
  const first = turnTime();
  expect(first).toBeGreaterThanOrEqual(before);
  spin(2);
  expect(turnTime()).toBe(first);
  await setImmediate();
  await setImmediate();
  expect(turnTime()).toBeGreaterThanOrEqual(first + 2);
});

test('is never that of an earlier turn, also after an idle turn', async () => {
  for (let turn = 0; turn < 20; turn++) {
    const asked = turnTime();
    await setTimeout(1);
    expect(turnTime()).toBeGreaterThan(asked);
  }
});
