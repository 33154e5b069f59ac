// What clients may lose when one of the processes that share a port is killed, and no more.
import { expect } from '@jest/globals';
import type { TrafficResult } from './traffic.ts';

/** The phase of a traffic from which on the killed process is known to be gone. */
export const GONE = 'the killed process is gone';

/**
 * The kernel closes the files of a killed process one after the other, connections and listening socket in any order. A flow that has
 * one connection at a time may lose the one that the process had accepted, and then one that still got into the queue of its listening
 * socket. The kernel gives that socket nothing after it is closed, and every file is closed before a parent hears of the death.
 */
const LOST_BY_A_FLOW = 2;

/** Holds a traffic of so many flows to it. */
export function onlyLostWithTheKilled({ failures }: TrafficResult, flows: number): void {
  expect(failures.filter(({ phase }) => phase === GONE)).toEqual([]);
  expect(failures.length).toBeLessThanOrEqual(flows * LOST_BY_A_FLOW);
}
