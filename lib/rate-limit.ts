// A token bucket: so many at once, so many a second after that.

/** `now` is milliseconds on a monotonic clock; a test brings its own. */
export interface RateLimitOptions {
  readonly burst: number;
  readonly perSecond: number;
  readonly now?: () => number;
}

export class RateLimit {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  constructor({ burst, perSecond, now = () => performance.now() }: RateLimitOptions) {
    this.#burst = burst;
    this.#perMs = perSecond / 1_000;
    this.#now = now;
    this.#tokens = burst;
    this.#filledAt = now();
  }

  /** Takes a token and answers 0, or takes none and answers in how many milliseconds there will be one. */
  take(): number {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.#perMs);
    this.#tokens--;
    return 0;
  }
}
