// The limit of failures when one of the processes that share a port is killed.
import { expect } from '@jest/globals';
import type { TrafficResult } from './traffic.ts';

/** The phase of traffic after which the killed process has certainly ended. */
export const GONE = 'the killed process is gone';

/**
 * The kernel closes the files of a killed process one after the other, connections and listening socket in any order. A flow with one
 * connection at a time may lose an accepted connection, and then one that was in the queue of the listening socket. The socket gets no
 * connections after it is closed, and all files are closed before the parent is notified.
 */
const LOST_BY_A_FLOW = 2;

/** Checks this limit for traffic with this number of flows. */
export function onlyLostWithTheKilled({ failures }: TrafficResult, flows: number): void {
  expect(failures.filter(({ phase }) => phase === GONE)).toEqual([]);
  expect(failures.length).toBeLessThanOrEqual(flows * LOST_BY_A_FLOW);
}
