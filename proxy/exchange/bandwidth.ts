// The buckets that limit the speed of bodies and streams: one for each flow, or one for all flows of a rule with the same limit.
import { TokenBucket } from '#lib/token-bucket.ts';
import type { BandwidthPlan } from './plan.ts';

/** The part of a second that may pass at once: with less, each read would be followed by a pause. */
const BURST = 0.1;
/** Buckets of rules from which on those without use are removed. */
const MANY = 64;

/** The buckets of the two directions; null: no limit. */
export interface BucketPair {
  readonly request: TokenBucket | null;
  readonly response: TokenBucket | null;
}

export class Bandwidth {
  readonly #workers: number;
  readonly #rules = new Map<string, BucketPair>();
  #many = MANY;

  /** `workers`: of the proxy, which share the limits of rules. */
  constructor(workers = 1) {
    this.#workers = workers;
  }

  /** The number of kept buckets, in pairs: for tests. */
  get size(): number {
    return this.#rules.size;
  }

  /** The buckets of a flow of a rule (key of its route). */
  buckets(rule: string, plan: BandwidthPlan): BucketPair {
    return plan.shared ? this.#ofRule(`${rule} ${plan.request} ${plan.response}`, plan) : pairOf(plan, 1);
  }

  #ofRule(key: string, plan: BandwidthPlan): BucketPair {
    let pair = this.#rules.get(key);
    if (pair === undefined) {
      if (this.#rules.size >= this.#many) this.#sweep();
      this.#rules.set(key, (pair = pairOf(plan, this.#workers)));
    }
    return pair;
  }

  /** A full bucket is like a new one, but a flow that pauses may hold it: such a flow goes on with it, beside the new one. */
  #sweep(): void {
    for (const [key, { request, response }] of this.#rules) {
      if (request?.isFull !== false && response?.isFull !== false) this.#rules.delete(key);
    }
    this.#many = Math.max(MANY, 2 * this.#rules.size);
  }
}

function pairOf({ request, response }: BandwidthPlan, workers: number): BucketPair {
  return { request: bucketOf(request / workers), response: bucketOf(response / workers) };
}

/** `rate`: bytes per second; 0 is no limit. */
function bucketOf(rate: number): TokenBucket | null {
  return rate === 0 ? null : new TokenBucket({ burst: rate * BURST, perSecond: rate });
}
