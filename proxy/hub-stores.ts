// The stores of the topics of a worker: in the memory of the proxy, or in Redis.
import { MemoryStore } from './hub/memory-store.ts';
import { RedisStore } from './hub/redis-store.ts';
import { SupervisedTopics, type TopicAsk, type TopicTold } from './hub/supervised-topics.ts';
import type { StoreListener } from './hub/topic-store.ts';
import { WorkerTopics } from './hub/worker-topics.ts';
import type { WorkerRedis } from './redis/worker-redis.ts';

export class HubStores {
  readonly topics: WorkerTopics;
  readonly #redis: WorkerRedis;
  /** Those of the proxy, which the supervisor has; null: this worker has them. */
  #supervised: SupervisedTopics | null = null;

  /** `ask`: asks the supervisor. */
  constructor(redis: WorkerRedis, ask: ((ask: TopicAsk) => void) | undefined) {
    this.#redis = redis;
    this.topics = new WorkerTopics({
      Memory: (listener) => (ask === undefined ? new MemoryStore(listener) : (this.#supervised = new SupervisedTopics(ask, listener))),
      Redis: (listener) => this.#inRedis(listener),
    });
  }

  /** Takes a message of the supervisor. */
  told(told: TopicTold): void {
    this.#supervised?.told(told);
  }

  #inRedis(listener: StoreListener): RedisStore | null {
    const { connection } = this.#redis;
    const subscriber = this.#redis.connect();
    return connection === null || subscriber === null ? null : new RedisStore(connection, subscriber, listener);
  }
}
