// The connection of a worker to Redis, for limits, sessions, topics and stored answers.
import type { Log } from '#lib/log.ts';
import { RedisConnection } from '#lib/redis-connection.ts';
import type { RedisSettings } from '#lib/redis.ts';
import { NO_SHARED_ENTRIES, type SharedEntries } from '../exchange/shared-entries.ts';
import { RedisEntries } from './redis-entries.ts';

/** One line about the connection in so many milliseconds. */
const LOG_EVERY_MS = 10_000;

export interface WorkerRedisOptions {
  /** Null, the default: there is no Redis. */
  readonly redis?: RedisSettings | null;
  readonly log?: Log;
}

export class WorkerRedis {
  readonly #more: () => RedisConnection | null;
  /** Null: there is no Redis. */
  readonly connection: RedisConnection | null;
  readonly entries: SharedEntries;
  readonly #entries: RedisEntries | null;

  constructor({ redis = null, log }: WorkerRedisOptions) {
    this.#more = () => (redis === null ? null : new RedisConnection(redis, logged(log)));
    this.connection = this.#more();
    this.#entries = this.connection === null ? null : new RedisEntries(this.connection);
    this.entries = this.#entries ?? NO_SHARED_ENTRIES;
  }

  /** Another connection, which its user closes; for subscriptions. Null: there is no Redis. */
  connect(): RedisConnection | null {
    return this.#more();
  }

  close(): void {
    this.#entries?.close();
    this.connection?.close();
  }
}

function logged(log: Log | undefined): (error: Error) => void {
  let next = 0;
  return (error) => {
    const now = performance.now();
    if (now < next) return;
    next = now + LOG_EVERY_MS;
    const reason = error.message;
    log?.warn({ reason }, 'no connection to redis: limits that count there follow their onError, requests with sessions there are refused');
  };
}
