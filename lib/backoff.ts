// How long to wait before trying again: longer each time, with jitter, so that many who lost the same peer do not return at once.

/** Bounds of the waits, milliseconds. `random` gives a number in [0, 1); a test brings its own. */
export interface BackoffOptions {
  readonly minimum: number;
  readonly maximum: number;
  readonly random?: () => number;
}

/** Exponential backoff: wait n is drawn between half of and the whole of minimum · 2ⁿ, capped at the maximum. */
export class Backoff {
  readonly #minimum: number;
  readonly #maximum: number;
  readonly #random: () => number;
  #ceiling: number;

  constructor({ minimum, maximum, random = Math.random }: BackoffOptions) {
    this.#minimum = minimum;
    this.#maximum = maximum;
    this.#random = random;
    this.#ceiling = minimum;
  }

  /** Milliseconds to wait now; the next wait will be longer. */
  next(): number {
    const ceiling = this.#ceiling;
    this.#ceiling = Math.min(this.#maximum, ceiling * 2);
    return ceiling / 2 + this.#random() * (ceiling / 2);
  }

  /** It worked: the next failure waits briefly again. */
  reset(): void {
    this.#ceiling = this.#minimum;
  }
}
