// From performance.now() to the time of the day. The clock of the machine may be set, and performance.now() does not follow.
import { turnTime } from '#lib/turn-clock.ts';

/** Smaller differences are noise of the clocks. */
const TOLERANCE_MS = 5;

export class Epoch {
  #offset = performance.timeOrigin;
  #turn = -1;

  /** What makes milliseconds since the epoch of a performance.now() of the last minutes. The clocks are read once per turn of the event loop. */
  offset(): number {
    const turn = turnTime();
    if (turn === this.#turn) return this.#offset;
    this.#turn = turn;
    const drift = Date.now() - performance.now() - this.#offset;
    if (Math.abs(drift) > TOLERANCE_MS) this.#offset += drift;
    return this.#offset;
  }
}
