// The time as of this turn of the event loop. A look at the clock is a call out of JavaScript, and a request needs three: those of one
// turn share one. What is measured by it begins and ends with turns, as the reads and writes do that it stands for.
import { performance } from 'node:perf_hooks';
import { atTurnEnd } from './turn-end.ts';

let time = 0;
let known = false;

const forgetting = {
  turnEnded(): void {
    known = false;
  },
};

/** performance.now() when it was first asked for in this turn: milliseconds, never ahead of the clock. */
export function turnTime(): number {
  if (!known) {
    time = performance.now();
    known = true;
    atTurnEnd(forgetting);
  }
  return time;
}
