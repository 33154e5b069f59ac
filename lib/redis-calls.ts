// Commands to Redis, each of which resolves: a server that is slow or away costs at most the timeout, and after some failures nothing. The
// breaker lets one command try again each second.
import CircuitBreaker from 'opossum';
import type { RedisConnection } from './redis-connection.ts';
import { REDIS_BREAKER, type RedisClient } from './redis.ts';
import { err, ok, type Result } from './result.ts';

export type RedisCommand<T> = (client: RedisClient) => Promise<T>;

export class RedisCalls {
  readonly #connection: Pick<RedisConnection, 'client'>;
  readonly #breaker: CircuitBreaker<[RedisCommand<unknown>], unknown>;

  constructor(connection: Pick<RedisConnection, 'client'>) {
    this.#connection = connection;
    this.#breaker = new CircuitBreaker((command: RedisCommand<unknown>) => this.#send(command), REDIS_BREAKER);
  }

  /** An error: Redis does not answer. */
  async run<T>(command: RedisCommand<T>): Promise<Result<T>> {
    try {
      return ok((await this.#breaker.fire(command)) as T);
    } catch {
      return err('Redis does not answer');
    }
  }

  close(): void {
    this.#breaker.shutdown();
  }

  async #send<T>(command: RedisCommand<T>): Promise<T> {
    const { client } = this.#connection;
    if (client === null) throw new Error('there is no connection yet');
    return command(client);
  }
}
