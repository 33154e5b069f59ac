// Ten thousand connections that go wrong, of every kind, leave nothing: no socket, no timer, no exchange, no memory. `npm run soak`
// does the same with a hundred thousand.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { memoryInUse } from '../support/memory.ts';
import { liveMixed } from './mixed.ts';
import { Rig } from './rig.ts';

const COUNT = 10_000;
/** Growth that is none: code that was compiled, caches that filled. */
const GROWTH = 1_000_000;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(false);
});
afterAll(() => rig.close());

test('garbage, truncation and resets of every kind leave nothing', async () => {
  await liveMixed(rig, 3_000);
  const before = memoryInUse();
  await liveMixed(rig, COUNT);
  const after = memoryInUse();
  expect(after.heap - before.heap).toBeLessThan(GROWTH);
  expect(after.buffers - before.buffers).toBeLessThan(GROWTH);
}, 180_000);
