// The cache of a worker: its stored answers, the requests to backends that others wait for, and the keys whose answers are not for others.
import type { MetricFamily } from '#lib/metric.ts';
import { Flight } from './flight.ts';
import { CacheStore } from './store.ts';

/** What happened to the requests that a cache looked at. */
export type CacheOutcome = 'hit' | 'stale' | 'collapsed' | 'miss' | 'validated' | 'bypass';

/** Keys whose requests go on alone are forgotten after this time, milliseconds, or when there are too many. */
const ALONE_FOR = 60_000;
const MAX_ALONE = 10_000;

export class SharedCache {
  readonly store: CacheStore;
  readonly #tell: (url: string) => void;
  readonly #flights = new Map<string, Flight>();
  /** Until when, as Date.now(). */
  readonly #alone = new Map<string, number>();
  readonly counts: Record<CacheOutcome, number> = { hit: 0, stale: 0, collapsed: 0, miss: 0, validated: 0, bypass: 0 };

  /** `tell`: takes URLs whose answers do not hold any more to other workers. */
  constructor(maxBytes: number, tell: (url: string) => void = () => undefined) {
    this.#tell = tell;
    this.store = new CacheStore(maxBytes);
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

  /** An unsafe request ends what is stored for a URL, here and in other workers. */
  invalidate(url: string): void {
    this.forget(url);
    this.#tell(url);
  }

  /** Drops the answers of a URL in this worker. */
  forget(url: string): void {
    this.store.purge({ by: 'url', value: url });
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
    const { store, counts } = this;
    return [
      {
        name: 'weir_cache_requests_total',
        type: 'counter',
        help: 'Requests of routes with a cache, by what the cache did',
        read: () => Object.entries(counts).map(([outcome, value]) => ({ labels: { outcome }, value })),
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
