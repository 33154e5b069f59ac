// A token bucket as a meter: a burst at once, then a steady rate.
import { TokenBucket } from '../token-bucket.ts';
import type { Meter } from './meter.ts';

/** The sums of fractions of tokens are inexact: so much less than a whole token counts as one. */
const EPSILON = 1e-6;

export class BucketMeter implements Meter {
  readonly #bucket: TokenBucket;
  readonly #burst: number;
  readonly #perMs: number;

  /** `requests` in `periodMs` on average, and up to `burst` at once. */
  constructor(requests: number, periodMs: number, burst: number, now: () => number) {
    this.#burst = burst;
    this.#perMs = requests / periodMs;
    this.#bucket = new TokenBucket({ burst, perSecond: this.#perMs * 1_000, now });
  }

  take(cost: number): boolean {
    if (this.#bucket.level + EPSILON < cost) return false;
    this.#bucket.spend(cost);
    return true;
  }

  charge(cost: number): void {
    this.#bucket.spend(cost);
  }

  learn(count: number): void {
    this.charge(count);
  }

  giveBack(count: number): void {
    this.#bucket.spend(-count);
  }

  left(): number {
    return Math.max(0, Math.floor(this.#bucket.level + EPSILON));
  }

  resetMs(): number {
    return this.waitMs(this.#burst);
  }

  waitMs(cost: number): number {
    const missing = cost - this.#bucket.level;
    return missing <= EPSILON ? 0 : Math.ceil(missing / this.#perMs);
  }
}
