// The time of the current turn of the event loop. A call of performance.now() leaves JavaScript, and a request needs the time three times:
// all calls in one turn share one value. Reads and writes start and end with turns, so durations lose no precision.
import { performance } from 'node:perf_hooks';
import { atTurnEnd } from './turn-end.ts';

let time = 0;
let known = false;

const forgetting = {
  turnEnded(): void {
    known = false;
  },
};

/** performance.now() at its first use in this turn: milliseconds, never ahead of the clock. */
export function turnTime(): number {
  if (!known) {
    time = performance.now();
    known = true;
    atTurnEnd(forgetting);
  }
  return time;
}
