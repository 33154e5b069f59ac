// Thousands of failing connections of every kind leave no resources: sockets, timers, exchanges, memory. `npm run soak` does the same
// with a hundred thousand.
import { afterAll, beforeAll, test } from '@jest/globals';
import { leavesLess } from '../support/memory.ts';
import { liveMixed } from './mixed.ts';
import { Rig } from './rig.ts';

const WARM_UP = 1_000;
/** Connections of a round, and the bytes that each may leave: less than any object. */
const COUNT = 2_500;
const LEFT_BY_ONE = 100;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(false);
});
afterAll(() => rig.close());

test('garbage, truncation and resets of every kind leave no resources', async () => {
  await liveMixed(rig, WARM_UP);
  await leavesLess(COUNT * LEFT_BY_ONE, () => liveMixed(rig, COUNT));
});
