// Limits that count in Redis: exact for all proxies, one round trip for each request. A server that is slow or away costs a request at most
// the timeout, and after some failures nothing: the breaker lets one request try again each second. Each master of a Cluster has a breaker of
// its own, so that the keys of the others go on counting.
import { createHash } from 'node:crypto';
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import CircuitBreaker from 'opossum';
import type { Decision } from '#lib/limit/decision.ts';
import type { Terms } from '#lib/limit/share.ts';
import { CLOCKS } from '#lib/limit/store.ts';
import type { LimitStore } from '#lib/limit/store.ts';
import { REDIS_BREAKER, type RedisClient } from '#lib/redis.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import { runScript } from '#lib/redis-script.ts';
import { redisSlot } from '#lib/redis-slot.ts';
import { countingOf } from './redis-scripts.ts';
import type { Counting } from './redis-scripts.ts';
import { RecentKeys } from './recent-keys.ts';

/** The beginning of all keys. */
const PREFIX = 'weir:limit:';
/** Keys that one answer of a scan looks at. */
const SCANNED = 1_000;

type Answer = readonly [number, number, number, number];
type Breaker = CircuitBreaker<[Terms, string, number, boolean], Answer>;

export class RedisStore implements LimitStore {
  readonly #connection: Pick<RedisConnection, 'client' | 'close'>;
  /** By the address of a master; '' outside a Cluster. */
  readonly #breakers = new Map<string, Breaker>();
  readonly #countings = new WeakMap<Terms, Counting>();
  /** Keys that this worker asked about lately. */
  readonly recent = new RecentKeys(CLOCKS.steady);
  #failures = 0;

  /** Ends the connection at `close`. */
  constructor(connection: Pick<RedisConnection, 'client' | 'close'>) {
    this.#connection = connection;
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

  /** Forgets what keys of a limit (the id of its terms) have taken that this worker asked about lately. Resolves to their number; rejects without Redis. */
  async reset(id: string, isMeant: (key: string) => boolean): Promise<number> {
    const client = this.#client();
    const counts = await Promise.all(this.recent.keys(id, isMeant).map((key) => client.unlink(nameOf(id, key))));
    this.recent.forget(id, isMeant);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Forgets what all keys of a limit have taken. Resolves to their number; rejects without Redis. */
  async resetAll(id: string): Promise<number> {
    const client = this.#client();
    const masters = client instanceof Cluster ? client.nodes('master') : [client];
    const counts = await Promise.all(masters.map((node) => unlinkAll(node, `${prefixOf(id)}*`)));
    this.recent.forget(id, () => true);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Questions without an answer. */
  get failures(): number {
    return this.#failures;
  }

  /** A breaker is open: Redis, or a master of it, is not asked. */
  get isAway(): boolean {
    return [...this.#breakers.values()].some((breaker) => breaker.opened);
  }

  close(): void {
    for (const breaker of this.#breakers.values()) breaker.shutdown();
    this.#connection.close();
  }

  async #ask(terms: Terms, key: string, cost: number, forced: boolean): Promise<Answer | null> {
    try {
      const name = nameOf(terms.id, key);
      const answer = await this.#breakerOf(name).fire(terms, name, cost, forced);
      this.recent.learn(terms.id, key, { left: answer[1], resetMs: answer[2] });
      return answer;
    } catch {
      this.#failures++;
      return null;
    }
  }

  #breakerOf(name: string): Breaker {
    const { client } = this.#connection;
    const master = client instanceof Cluster ? (client.slots[redisSlot(name)]?.[0] ?? '') : '';
    let breaker = this.#breakers.get(master);
    if (breaker === undefined) {
      const run = (terms: Terms, of: string, cost: number, forced: boolean): Promise<Answer> => this.#run(terms, of, cost, forced);
      this.#breakers.set(master, (breaker = new CircuitBreaker(run, REDIS_BREAKER)));
    }
    return breaker;
  }

  async #run(terms: Terms, name: string, cost: number, forced: boolean): Promise<Answer> {
    const client = this.#client();
    const { script, limit, rest } = this.#countingOf(terms);
    return (await runScript(client, script, [name], [limit, cost, forced ? 1 : 0, ...rest(Date.now())])) as Answer;
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

/** Of a fixed length, and without what the key contains. The keys of one limit begin alike. */
function nameOf(id: string, key: string): string {
  return `${prefixOf(id)}${digest(`${id}\n${key}`)}`;
}

function prefixOf(id: string): string {
  return `${PREFIX}${digest(id)}:`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Names have no characters with a meaning in patterns. A Cluster refuses one command about keys of several slots. */
async function unlinkAll(node: Redis, pattern: string): Promise<number> {
  let count = 0;
  let cursor = '0';
  do {
    const [next, names] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED);
    cursor = next;
    const unlinked = await Promise.all(names.map((name) => node.unlink(name)));
    count += unlinked.reduce((sum, each) => sum + each, 0);
  } while (cursor !== '0');
  return count;
}
