// The connection of a worker to Redis, for limits, sessions, topics and stored answers.
import type { Log } from '#lib/log.ts';
import { RedisConnection } from '#lib/redis-connection.ts';
import type { RedisSettings } from '#lib/redis.ts';
import { NO_SHARED_ENTRIES, type SharedEntries } from '../exchange/shared-entries.ts';
import type { OpenSessions } from '../exchange/open-sessions.ts';
import { RedisEntries } from './redis-entries.ts';
import { SessionNews } from './session-news.ts';

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
  #news: SessionNews | null = null;

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

  /** Follows the ends of sessions at other proxies. */
  followSessions(sessions: OpenSessions): void {
    const { connection, entries } = this;
    const subscriber = this.connect();
    if (connection === null || subscriber === null) return;
    const isEntry = (session: string): boolean => session.startsWith('weir:');
    this.#news = new SessionNews({ connection, subscriber, entries, sessions, isEntry });
  }

  /** Tells other proxies that a session has ended. */
  tellSession(session: string): void {
    this.#news?.tell(session);
  }

  close(): void {
    this.#news?.close();
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
