// A token bucket: allows a burst at once, then a number a second.

export interface TokenBucketOptions {
  /** The size of the bucket, which is full at first. */
  readonly burst: number;
  readonly perSecond: number;
  /** Milliseconds on a monotonic clock; tests supply their own. */
  readonly now?: () => number;
}

export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  constructor({ burst, perSecond, now = () => performance.now() }: TokenBucketOptions) {
    this.#burst = burst;
    this.#perMs = perSecond / 1_000;
    this.#now = now;
    this.#tokens = burst;
    this.#filledAt = now();
  }

  /** Takes the tokens and returns 0. If there are too few, takes none and returns the milliseconds until there are enough. */
  take(count = 1): number {
    this.#fill();
    if (this.#tokens < count) return Math.ceil((count - this.#tokens) / this.#perMs);
    this.#tokens -= count;
    return 0;
  }

  /** Takes the tokens, even if there are too few. Returns the milliseconds until the debt is paid; 0 without one. */
  spend(count: number): number {
    this.#fill();
    this.#tokens -= count;
    return this.debt;
  }

  /** The milliseconds until the debt is paid; 0 without one. */
  get debt(): number {
    const { level } = this;
    return level < 0 ? Math.ceil(-level / this.#perMs) : 0;
  }

  /** Nothing was taken of late: it is like a new one. */
  get isFull(): boolean {
    return this.level === this.#burst;
  }

  /** The tokens now; less than 0 while there is a debt. */
  get level(): number {
    this.#fill();
    return this.#tokens;
  }

  #fill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
  }
}

/** A token bucket for each key, created at its first use. The keys must be few. */
export class TokenBuckets<K> {
  readonly #options: TokenBucketOptions;
  readonly #buckets = new Map<K, TokenBucket>();

  constructor(options: TokenBucketOptions) {
    this.#options = options;
  }

  /** As TokenBucket.take, for a key. */
  take(key: K): number {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#options);
      this.#buckets.set(key, bucket);
    }
    return bucket.take();
  }
}
