// The breaker before a server of Redis: after many failures one command tries again each second. It counts as REDIS_BREAKER says, and costs a
// command two additions.
import { REDIS_BREAKER } from '#lib/redis.ts';

const { errorThresholdPercentage, volumeThreshold, rollingCountTimeout, rollingCountBuckets, resetTimeout } = REDIS_BREAKER;
const BUCKET_MS = rollingCountTimeout / rollingCountBuckets;

interface Bucket {
  /** Its number since the start of the clock. */
  number: number;
  commands: number;
  failures: number;
}

export class RedisBreaker {
  readonly #buckets: readonly Bucket[] = Array.from({ length: rollingCountBuckets }, () => ({ number: -1, commands: 0, failures: 0 }));
  /** When a command may try again; -1: the breaker is closed. */
  #retryAt = -1;

  /** Commands fail without being sent. */
  get isOpen(): boolean {
    return this.#retryAt >= 0;
  }

  /** Whether a command may be sent. Times are milliseconds of a clock that never goes back. */
  permits(now: number): boolean {
    if (this.#retryAt < 0) return true;
    if (now < this.#retryAt) return false;
    this.#retryAt = now + resetTimeout;
    return true;
  }

  succeeded(now: number): void {
    if (this.#retryAt >= 0) this.#close();
    this.#bucket(now).commands++;
  }

  failed(now: number): void {
    const bucket = this.#bucket(now);
    bucket.commands++;
    bucket.failures++;
    if (this.#retryAt >= 0) return;
    const [commands, failures] = this.#sums(bucket.number);
    if (commands >= volumeThreshold && failures * 100 > commands * errorThresholdPercentage) this.#retryAt = now + resetTimeout;
  }

  #close(): void {
    this.#retryAt = -1;
    for (const bucket of this.#buckets) bucket.number = -1;
  }

  #bucket(now: number): Bucket {
    const number = Math.floor(now / BUCKET_MS);
    const bucket = this.#buckets[number % rollingCountBuckets] as Bucket;
    if (bucket.number === number) return bucket;
    bucket.number = number;
    bucket.commands = 0;
    bucket.failures = 0;
    return bucket;
  }

  #sums(last: number): readonly [number, number] {
    let [commands, failures] = [0, 0];
    for (const bucket of this.#buckets) {
      if (bucket.number <= last - rollingCountBuckets) continue;
      commands += bucket.commands;
      failures += bucket.failures;
    }
    return [commands, failures];
  }
}
