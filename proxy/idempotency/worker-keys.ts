// The idempotency keys of a worker: the stores that they are in, and what comes of requests with them.
import type { MetricFamily } from '#lib/metric.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import type { IdempotencyKeys, IdempotencyStores } from '../exchange/idempotency.ts';
import { IdempotencyCounts } from '../exchange/idempotency-counts.ts';
import { MemoryKeys, SupervisedKeys, type KeyAsk, type KeyTold } from './memory-store.ts';
import { RedisKeys } from './redis-keys.ts';

export class WorkerKeys implements IdempotencyKeys {
  readonly stores: IdempotencyStores;
  readonly counts = new IdempotencyCounts();
  readonly #memory: MemoryKeys | SupervisedKeys;
  readonly #redis: RedisKeys | null;

  /** `ask`: asks the supervisor; absent: this worker is the only one. `connection` null: there is no Redis. */
  constructor(ask: ((ask: KeyAsk) => void) | undefined, connection: RedisConnection | null) {
    this.#memory = ask === undefined ? new MemoryKeys() : new SupervisedKeys(ask);
    this.#redis = connection === null ? null : new RedisKeys(connection);
    this.stores = { Memory: this.#memory, Redis: this.#redis };
  }

  /** Takes an answer of the supervisor. */
  told(told: KeyTold): void {
    if (this.#memory instanceof SupervisedKeys) this.#memory.told(told);
  }

  families(): readonly MetricFamily[] {
    const own = this.#memory instanceof MemoryKeys ? this.#memory.families() : [];
    return [...this.counts.families(), ...own];
  }

  close(): void {
    if (this.#memory instanceof MemoryKeys) this.#memory.close();
    this.#redis?.close();
  }
}
