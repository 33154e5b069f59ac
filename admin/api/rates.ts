// How often a source may call the admin API: a token bucket for each address and for each caller, in bounded memory.
import { addressWords, readAddress } from '#lib/address-words.ts';
import { TokenBucket } from '#lib/token-bucket.ts';

/** A rate of requests, with the number that a source may send at once. */
export interface RequestRate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Sources whose bucket is kept. A source that is forgotten begins with a full bucket. */
const MAX_SOURCES = 10_000;

export class RequestRates {
  readonly #rate: RequestRate;
  readonly #now: () => number;
  /** The source that was silent for longest first. */
  readonly #buckets = new Map<string, TokenBucket>();

  /** `now`: milliseconds on a monotonic clock; tests supply their own. */
  constructor(rate: RequestRate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Counts a request of a source. Returns 0, or the milliseconds until the next one is permitted. */
  take(source: string): number {
    const bucket = this.#buckets.get(source) ?? new TokenBucket({ ...this.#rate, now: this.#now });
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_SOURCES && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket.take();
  }
}

/** The source that an address belongs to: a host with IPv6 has a whole /64, so its addresses count together. */
export function sourceOf(address: string): string {
  if (readAddress(address) !== 6) return address;
  return `${(addressWords[0] as number).toString(16)}:${(addressWords[1] as number).toString(16)}::/64`;
}
