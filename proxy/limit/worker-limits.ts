// The stores of limits in a worker: its own meters if it is the only worker, shares that the supervisor lends otherwise, and Redis.
import { Borrower } from '#lib/limit/borrower.ts';
import type { Decision } from '#lib/limit/decision.ts';
import { keyMatcher, Listing } from '#lib/limit/listing.ts';
import type { KeyState, LimitListing, LimitReset } from '#lib/limit/listing.ts';
import type { Ask, Lend, Terms } from '#lib/limit/share.ts';
import { CLOCKS, MAX_KEYS, MeterStore, NO_STORE } from '#lib/limit/store.ts';
import type { LendingStore, LimitStore } from '#lib/limit/store.ts';
import type { MeterClocks } from '#lib/limit/meter.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { LimitCounters } from './limit-metrics.ts';
import { RedisStore } from './redis-store.ts';

/** The supervisor answers within a turn of its event loop. That turn can be long while it makes plans of many routes; without an answer, limits are not exact. */
const PATIENCE_MS = 2_000;
const TICK_MS = 50;

/** All calls of a turn share one value. */
const TURN_CLOCKS: MeterClocks = { steady: turnTime, wall: CLOCKS.wall };

export interface WorkerLimitsOptions {
  /** Asks the supervisor; by default this worker is the only one. */
  readonly borrow?: (store: LendingStore, asks: readonly Ask[]) => void;
  /** Limits of the fleet, of the supervisor in this process. */
  readonly lease?: LimitStore;
  readonly workers?: number;
  /** The connection; null, the default: there is no Redis. */
  readonly redis?: RedisConnection | null;
}

export class WorkerLimits {
  readonly local: LimitStore;
  /** Limits of the fleet; those of this proxy without a controller. */
  readonly lease: LimitStore;
  readonly redis: LimitStore;
  /** By `<namespace>/<policy>/<limit>`. */
  readonly counts = new LimitCounters();
  /** The proxies of the fleet, as the controller told it last. */
  proxies = 1;
  readonly #shares: Readonly<Record<LendingStore, SharedStore>> | null;
  /** Null: the supervisor has them. */
  readonly #meters: MeterStore | null;
  readonly #redisStore: RedisStore | null;

  constructor({ borrow, lease = new MeterStore(TURN_CLOCKS), workers = 1, redis = null }: WorkerLimitsOptions) {
    if (borrow === undefined) {
      const meters = new MeterStore(TURN_CLOCKS);
      [this.#shares, this.#meters, this.local, this.lease] = [null, meters, meters, lease];
    } else {
      const shares = sharesOf(borrow, workers);
      [this.#shares, this.#meters, this.local, this.lease] = [shares, null, shares.Local, shares.Lease];
    }
    this.#redisStore = redis === null ? null : new RedisStore(redis);
    this.redis = this.#redisStore ?? NO_STORE;
  }

  /** Takes what the supervisor lends. */
  lend(store: LendingStore, lends: readonly Lend[]): void {
    this.#shares?.[store].receive(lends);
  }

  /** Keys that were forgotten although they counted something. */
  get evictions(): Readonly<Record<LendingStore, number>> {
    return { Local: this.#meters?.evictions ?? this.#shares?.Local.evictions ?? 0, Lease: this.#shares?.Lease.evictions ?? 0 };
  }

  /** Questions to Redis without an answer. */
  get redisFailures(): number {
    return this.#redisStore?.failures ?? 0;
  }

  /** The keys with least left that this worker knows. */
  async list({ local, redis, top }: LimitListing): Promise<Listing<KeyState>> {
    const listing = new Listing<KeyState>(top);
    for (const limit of local) await this.#meters?.list(limit, listing);
    for (const limit of redis) this.#redisStore?.recent.list(limit, listing);
    return listing;
  }

  /** Forgets keys of a limit. Resolves to the number of those that only this worker or Redis counts. `isFirst`: it asks Redis about all keys. */
  async reset(reset: LimitReset, isFirst: boolean): Promise<number> {
    const isMeant = keyMatcher(reset);
    let count = 0;
    for (const id of reset.ids) count += await this.#reset(reset, isFirst, id, isMeant);
    return count;
  }

  async #reset({ store, key }: LimitReset, isFirst: boolean, id: string, isMeant: (key: string) => boolean): Promise<number> {
    if (store === 'Redis') return this.#resetRedis(key === null && isFirst, id, isMeant);
    if (store === 'Local' && this.#meters !== null) return this.#meters.reset(id, isMeant);
    this.#shares?.[store].forget(id, isMeant);
    return 0;
  }

  async #resetRedis(isWhole: boolean, id: string, isMeant: (key: string) => boolean): Promise<number> {
    if (this.#redisStore === null) throw new Error('this proxy has no Redis: set --redis-url');
    try {
      return await (isWhole ? this.#redisStore.resetAll(id) : this.#redisStore.reset(id, isMeant));
    } catch (error) {
      throw new Error(`redis does not answer, repeat the reset later: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  stop(): void {
    this.#shares?.Local.stop();
    this.#shares?.Lease.stop();
    this.#redisStore?.close();
  }
}

function sharesOf(borrow: NonNullable<WorkerLimitsOptions['borrow']>, workers: number): Readonly<Record<LendingStore, SharedStore>> {
  const from = (store: LendingStore): SharedStore => new SharedStore((asks) => borrow(store, asks), workers);
  return { Local: from('Local'), Lease: from('Lease') };
}

/** A store that borrows shares. */
class SharedStore implements LimitStore {
  readonly #borrower: Borrower;
  #timer: NodeJS.Timeout | null = null;

  constructor(borrow: (asks: readonly Ask[]) => void, workers: number) {
    const send = (asks: readonly Ask[]): void => {
      borrow(asks);
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    };
    const soon = (flush: () => void): void => void setImmediate(flush);
    this.#borrower = new Borrower({ clocks: TURN_CLOCKS, send, soon, patienceMs: PATIENCE_MS, maxKeys: MAX_KEYS });
    this.#borrower.found('supervisor', workers);
  }

  take(terms: Terms, key: string, cost: number): Decision | null | Promise<Decision | null> {
    return this.#borrower.take(terms, key, cost);
  }

  charge(terms: Terms, key: string, cost: number): void {
    this.#borrower.charge(terms, key, cost);
  }

  giveBack(terms: Terms, key: string, cost: number): void {
    this.#borrower.release(terms, key, cost);
  }

  receive(lends: readonly Lend[]): void {
    this.#borrower.receive(lends);
  }

  get evictions(): number {
    return this.#borrower.evictions;
  }

  forget(id: string, isMeant: (key: string) => boolean): void {
    this.#borrower.forget(id, isMeant);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#borrower.lost();
  }

  #tick(): void {
    if (this.#borrower.tick() || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
