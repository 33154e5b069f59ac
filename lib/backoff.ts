// Waits between attempts: longer each time, with jitter, so that many clients of a lost peer do not return at the same time.

/** Bounds of the waits, milliseconds. `random` returns a number in [0, 1); tests supply their own. */
export interface BackoffOptions {
  readonly minimum: number;
  readonly maximum: number;
  readonly random?: () => number;
}

/** Exponential backoff: wait n is random between half and all of minimum · 2ⁿ, and not above the maximum. */
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

  /** Returns the current wait in milliseconds; the next one is longer. */
  next(): number {
    const ceiling = this.#ceiling;
    this.#ceiling = Math.min(this.#maximum, ceiling * 2);
    return ceiling / 2 + this.#random() * (ceiling / 2);
  }

  /** Call after a success: the next wait is short again. */
  reset(): void {
    this.#ceiling = this.#minimum;
  }
}
