// From performance.now() to the time of the day. The clock of the machine may be set, and performance.now() does not follow.

/** Smaller differences are noise of the clocks. */
const TOLERANCE_MS = 5;

export class Epoch {
  #offset = performance.timeOrigin;

  /** What makes milliseconds since the epoch of a performance.now() of the last minutes. */
  offset(): number {
    const drift = Date.now() - performance.now() - this.#offset;
    if (Math.abs(drift) > TOLERANCE_MS) this.#offset += drift;
    return this.#offset;
  }
}
