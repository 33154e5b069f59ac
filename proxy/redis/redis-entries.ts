// Entries in Redis.
import { RedisCalls } from '#lib/redis-calls.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import type { Result } from '#lib/result.ts';
import type { SharedEntries } from '../exchange/shared-entries.ts';

/** Arguments: the time now, the end of the member, the member. */
const JOIN = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('EXPIREAT', KEYS[1], string.format('%.0f', last[2]))
`;

export class RedisEntries implements SharedEntries {
  readonly #calls: RedisCalls;

  constructor(connection: Pick<RedisConnection, 'client'>) {
    this.#calls = new RedisCalls(connection);
  }

  read(key: string, renew: number | null): Promise<Result<string | null>> {
    return this.#calls.run((client) => (renew === null ? client.get(key) : client.getex(key, 'EX', renew)));
  }

  write(key: string, value: string, seconds: number, only?: 'absent' | 'present'): Promise<Result<boolean>> {
    return this.#calls.run(async (client) => {
      if (only === 'absent') return (await client.set(key, value, 'EX', seconds, 'NX')) !== null;
      if (only === 'present') return (await client.set(key, value, 'EX', seconds, 'XX')) !== null;
      return (await client.set(key, value, 'EX', seconds)) !== null;
    });
  }

  /** One command for each key, since the keys of a Cluster may be at different servers. */
  remove(keys: readonly string[]): Promise<Result<null>> {
    return this.#calls.run(async (client) => {
      await Promise.all(keys.map((key) => client.del(key)));
      return null;
    });
  }

  join(set: string, member: string, until: number): Promise<Result<null>> {
    return this.#calls.run(async (client) => {
      await client.eval(JOIN, 1, set, nowSeconds(), until, member);
      return null;
    });
  }

  members(set: string): Promise<Result<readonly string[]>> {
    return this.#calls.run((client) => client.zrangebyscore(set, `(${nowSeconds()}`, '+inf'));
  }

  close(): void {
    this.#calls.close();
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
