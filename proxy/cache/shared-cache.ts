// The cache of a worker: its stored answers, the requests to backends that others wait for, and the keys whose answers are not for others.
import type { MetricFamily } from '#lib/metric.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import { ok, type Result } from '#lib/result.ts';
import type { CacheOutcome, Exchange } from '../exchange/exchange.ts';
import { Flight } from './flight.ts';
import { PurgeLog, type PurgeSubject } from './purges.ts';
import { RedisLevel } from './redis-level.ts';
import type { SecondLevel, SecondLookup, Ticket } from './second-level.ts';
import { CacheStore } from './store.ts';
import type { StoredAnswer } from './stored-answer.ts';

/** Keys whose requests go on alone are forgotten after this time, milliseconds, or when there are too many. */
const ALONE_FOR = 60_000;
const MAX_ALONE = 10_000;

export interface SharedCacheOptions {
  /** Of the memory of the worker. */
  readonly maxBytes: number;
  /** Takes URLs whose answers do not hold any more to other workers; there are none by default. */
  readonly tell?: (url: string) => void;
  /** Null, the default: there is no Redis. */
  readonly redis?: Pick<RedisConnection, 'client'> | null;
  /** A policy has the store Redis, and there is none. */
  readonly lacksRedis?: () => void;
}

/** A request for an answer that is stored when it comes. */
export interface StoringRequest {
  /** `moment` of the cache when the request began. */
  readonly since: number;
  /** From the second level; null: the answer is stored in memory only. */
  readonly ticket: Promise<Ticket | null> | null;
}

export class SharedCache {
  readonly store: CacheStore;
  readonly #options: SharedCacheOptions;
  readonly #purges = new PurgeLog();
  /** Answers on their way to the second level. */
  readonly #shares = new Set<Promise<void>>();
  readonly #flights = new Map<string, Flight>();
  /** Until when, as Date.now(). */
  readonly #alone = new Map<string, number>();
  readonly #counts: Record<CacheOutcome, number> = { hit: 0, stale: 0, collapsed: 0, miss: 0, validated: 0, bypass: 0 };
  /** Null until a policy has the store Redis. */
  #redis: RedisLevel | null = null;

  constructor(options: SharedCacheOptions) {
    this.#options = options;
    this.store = new CacheStore(options.maxBytes);
  }

  /** The level in Redis; null if there is none. */
  secondLevel(): SecondLevel | null {
    const { redis = null, lacksRedis } = this.#options;
    if (redis === null) lacksRedis?.();
    else this.#redis ??= new RedisLevel(redis, (subject) => void this.#purge(subject));
    return this.#redis;
  }

  /** Counts what the cache did with a request. */
  count(exchange: Exchange, outcome: CacheOutcome): void {
    this.#counts[outcome]++;
    exchange.cacheOutcome = outcome;
  }

  /** The number of purges so far. */
  get moment(): number {
    return this.#purges.moment;
  }

  /** Stores an answer, unless it was purged on its way. */
  keep(answer: StoredAnswer, { since, ticket }: StoringRequest): void {
    if (this.#purges.covers(since, answer)) return;
    this.store.put(answer, ticket === null ? 'memory' : 'redis');
    if (ticket === null) return;
    const share = this.#share(answer, ticket).finally(() => this.#shares.delete(share));
    this.#shares.add(share);
  }

  /** Resolves once the second level has what was stored until now, or has dropped it. */
  async settled(): Promise<void> {
    await Promise.all(this.#shares);
  }

  async #share(answer: StoredAnswer, ticket: Promise<Ticket | null>): Promise<void> {
    const given = await ticket;
    if (given !== null) await this.#redis?.put(answer, given);
  }

  /** Brings the answer of the second level into the memory, if it is newer. */
  async fetch(level: SecondLevel, lookup: SecondLookup): Promise<Ticket | null> {
    const since = this.moment;
    const { answer, ticket } = await level.find(lookup, this.store.varyNames(lookup.key) ?? []);
    if (answer === null || this.#purges.covers(since, answer)) return ticket;
    const own = this.store.peek(lookup.key, lookup.headers);
    if (own === null || own.receivedAt < answer.receivedAt) this.store.put(answer, 'redis');
    return ticket;
  }

  /** The request that others wait for; undefined: there is none. */
  flight(key: string): Flight | undefined {
    return this.#flights.get(key);
  }

  /** A request goes to the backend, and later requests wait for its answer. */
  takeOff(key: string): Flight {
    const flight = new Flight(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }

  /** An unsafe request ends what is stored for a URL, here, in other workers, and in the second level. */
  invalidate(url: string, level: SecondLevel | null): void {
    this.forget(url);
    this.#options.tell?.(url);
    void level?.purge({ by: 'url', value: url });
  }

  /** Drops the answers of a URL in this worker. */
  forget(url: string): void {
    this.#purge({ by: 'url', value: url });
  }

  /** Drops answers in this worker, and, `everywhere`, in Redis. Resolves to the number of those in this worker. */
  async purge(subject: PurgeSubject, everywhere: boolean): Promise<Result<number>> {
    const count = this.#purge(subject);
    const purged = everywhere ? await this.#redis?.purge(subject) : undefined;
    return purged === undefined || purged.ok ? ok(count) : purged;
  }

  #purge(subject: PurgeSubject): number {
    this.#purges.note(subject);
    return this.store.purge(subject);
  }

  close(): void {
    this.#redis?.close();
  }

  /** The last answer was not for others, so that waiting for the next one would be in vain. */
  goesAlone(key: string): boolean {
    const until = this.#alone.get(key);
    if (until === undefined) return false;
    if (until > Date.now()) return true;
    this.#alone.delete(key);
    return false;
  }

  /** Notes whether the answers of a key are for others. */
  note(key: string, isForOthers: boolean): void {
    this.#alone.delete(key);
    if (isForOthers) return;
    this.#alone.set(key, Date.now() + ALONE_FOR);
    if (this.#alone.size <= MAX_ALONE) return;
    for (const oldest of this.#alone.keys()) {
      this.#alone.delete(oldest);
      return;
    }
  }

  families(): readonly MetricFamily[] {
    const { store } = this;
    return [
      {
        name: 'weir_cache_requests_total',
        type: 'counter',
        help: 'Requests of routes with a cache, by what the cache did',
        read: () => samplesOf(this.#counts),
      },
      {
        name: 'weir_cache_redis_reads_total',
        type: 'counter',
        help: 'Questions of the cache to Redis, by what came of them',
        read: () => samplesOf(this.#redis?.reads),
      },
      {
        name: 'weir_cache_redis_writes_total',
        type: 'counter',
        help: 'Answers for Redis, by what came of them',
        read: () => samplesOf(this.#redis?.writes),
      },
      {
        name: 'weir_cache_waiting_requests',
        type: 'gauge',
        help: 'Requests that wait for the answer to another one',
        read: () => [{ labels: {}, value: [...this.#flights.values()].reduce((sum, { waiters }) => sum + waiters, 0) }],
      },
      { name: 'weir_cache_bytes', type: 'gauge', help: 'Bytes of stored answers', read: () => [{ labels: {}, value: store.bytes }] },
      { name: 'weir_cache_entries', type: 'gauge', help: 'Stored answers', read: () => [{ labels: {}, value: store.size }] },
      {
        name: 'weir_cache_evictions_total',
        type: 'counter',
        help: 'Stored answers that were dropped for others',
        read: () => [{ labels: {}, value: store.evictions }],
      },
    ];
  }
}

function samplesOf(
  counts: Readonly<Record<string, number>> = {},
): readonly { readonly labels: { outcome: string }; readonly value: number }[] {
  return Object.entries(counts).map(([outcome, value]) => ({ labels: { outcome }, value }));
}
