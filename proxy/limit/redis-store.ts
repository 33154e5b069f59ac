// Limits that count in Redis: exact for all proxies, one round trip for each request. A server that is slow or away costs a request at most
// the timeout, and after some failures nothing: the breaker lets one request try again each second.
import { createHash } from 'node:crypto';
import CircuitBreaker from 'opossum';
import type { Decision } from '#lib/limit/decision.ts';
import type { Terms } from '#lib/limit/share.ts';
import type { LimitStore } from '#lib/limit/store.ts';
import type { RedisClient } from '#lib/redis.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import { countingOf } from './redis-scripts.ts';
import type { Counting } from './redis-scripts.ts';

/** Half of the calls of the last seconds have failed: the breaker opens. */
const BREAKER = {
  timeout: false,
  errorThresholdPercentage: 50,
  volumeThreshold: 5,
  rollingCountTimeout: 2_000,
  rollingCountBuckets: 4,
  resetTimeout: 1_000,
} as const;

/** The beginning of all keys. */
const PREFIX = 'weir:limit:';

type Answer = readonly [number, number, number, number];

export class RedisStore implements LimitStore {
  readonly #connection: Pick<RedisConnection, 'client' | 'close'>;
  readonly #breaker: CircuitBreaker<[Terms, string, number, boolean], Answer>;
  readonly #countings = new WeakMap<Terms, Counting>();
  #failures = 0;

  /** Ends the connection at `close`. */
  constructor(connection: Pick<RedisConnection, 'client' | 'close'>) {
    this.#connection = connection;
    this.#breaker = new CircuitBreaker(
      (terms: Terms, key: string, cost: number, forced: boolean) => this.#run(terms, key, cost, forced),
      BREAKER,
    );
  }

  /** Asks Redis. Null if it does not answer in time. Never rejects. */
  async take(terms: Terms, key: string, cost: number): Promise<Decision | null> {
    const answer = await this.#ask(terms, key, cost, false);
    if (answer === null) return null;
    const [allowed, left, resetMs, waitMs] = answer;
    return { allowed: allowed === 1, left, resetMs, waitMs };
  }

  /** As Meter.charge. */
  charge(terms: Terms, key: string, cost: number): void {
    void this.#ask(terms, key, cost, true);
  }

  /** As LimitStore.giveBack. */
  giveBack(terms: Terms, key: string, cost: number): void {
    void this.#ask(terms, key, -cost, true);
  }

  /** What is left of a key. Null if Redis does not answer in time. */
  look(terms: Terms, key: string): Promise<Decision | null> {
    return this.take(terms, key, 0);
  }

  /** Forgets what a key has taken. Resolves to false if Redis does not answer in time. */
  async reset(terms: Terms, key: string): Promise<boolean> {
    try {
      await this.#client().del(nameOf(terms, key));
      return true;
    } catch {
      return false;
    }
  }

  /** Questions without an answer. */
  get failures(): number {
    return this.#failures;
  }

  /** The breaker is open: Redis is not asked. */
  get isAway(): boolean {
    return this.#breaker.opened;
  }

  close(): void {
    this.#breaker.shutdown();
    this.#connection.close();
  }

  async #ask(terms: Terms, key: string, cost: number, forced: boolean): Promise<Answer | null> {
    try {
      return await this.#breaker.fire(terms, key, cost, forced);
    } catch {
      this.#failures++;
      return null;
    }
  }

  async #run(terms: Terms, key: string, cost: number, forced: boolean): Promise<Answer> {
    const client = this.#client();
    const { script, limit, rest } = this.#countingOf(terms);
    const args = [nameOf(terms, key), limit, cost, forced ? 1 : 0, ...rest(Date.now())];
    try {
      return (await client.evalsha(script.sha, 1, ...args)) as Answer;
    } catch (error) {
      // The server is new, or its scripts were flushed: nothing was counted.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return (await client.eval(script.text, 1, ...args)) as Answer;
    }
  }

  #client(): RedisClient {
    const { client } = this.#connection;
    if (client === null) throw new Error('there is no connection to redis yet');
    return client;
  }

  #countingOf(terms: Terms): Counting {
    let counting = this.#countings.get(terms);
    if (counting === undefined) {
      const made = countingOf(terms.algorithm);
      if (made === null) throw new Error(`${terms.algorithm.kind} does not count in Redis`);
      this.#countings.set(terms, (counting = made));
    }
    return counting;
  }
}

/** Of a fixed length, and without what the key contains. The braces keep it in one slot of a Cluster. */
function nameOf({ id }: Terms, key: string): string {
  return `${PREFIX}{${createHash('sha256').update(`${id}\n${key}`).digest('base64url')}}`;
}
