// Idempotency keys in Redis, for all proxies: one script and one round trip for each step. A key whose proxy dies is free after its lease.
import { RedisCalls } from '#lib/redis-calls.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import { redisScript, runScript, runScriptForBytes } from '#lib/redis-script.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { IdempotencyStore, KeyState } from '../exchange/idempotency.ts';

const PREFIX = 'weir:idempotency:';
/** A running request holds its key for so long after the last sign of its proxy, milliseconds. */
const LEASE_MS = 30_000;
const RENEW_EVERY_MS = 10_000;

/** Arguments: fingerprint, token, lease. Returns 0: new, 1: another request, 2: running, 3 with the answer. */
const BEGIN = redisScript(`
local entry = redis.call('HMGET', KEYS[1], 'fingerprint', 'answer')
if not entry[1] then
  redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 0 }
end
if entry[1] ~= ARGV[1] then return { 1 } end
if entry[2] then return { 3, entry[2] } end
return { 2 }
`);

/** Arguments: token, answer, milliseconds. */
const FINISH = redisScript(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'answer', ARGV[2])
redis.call('HDEL', KEYS[1], 'token')
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
`);

/** Arguments: token, lease; 0 frees the key. */
const HOLD = redisScript(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

const STATES = ['new', 'other', 'running'] as const;

export class RedisKeys implements IdempotencyStore {
  readonly #calls: RedisCalls;
  /** Tokens of running requests with their keys. */
  readonly #running = new Map<string, string>();
  readonly #timer = setInterval(() => this.#renew(), RENEW_EVERY_MS).unref();

  constructor(connection: Pick<RedisConnection, 'client'>) {
    this.#calls = new RedisCalls(connection);
  }

  async begin(key: string, fingerprint: string, token: string): Promise<Result<KeyState>> {
    const args = [fingerprint, token, LEASE_MS];
    const begun = await this.#calls.run((client) => runScriptForBytes(client, BEGIN, [PREFIX + key], args));
    if (!begun.ok) {
      // Redis may have taken the key, and only its answer is lost.
      this.release(key, token);
      return begun;
    }
    const [state, answer] = begun.value as readonly unknown[];
    if (state === 3) return Buffer.isBuffer(answer) ? ok({ type: 'done', answer }) : err('Redis does not answer');
    if (state === 0) this.#running.set(token, key);
    return ok({ type: STATES[state as 0 | 1 | 2] });
  }

  async finish(key: string, token: string, answer: Buffer, ttl: number): Promise<Result<null>> {
    this.#running.delete(token);
    const finished = await this.#calls.run((client) => runScript(client, FINISH, [PREFIX + key], [token, answer, Math.max(1, ttl)]));
    return finished.ok && finished.value === 1 ? ok(null) : err('the answer is not kept');
  }

  release(key: string, token: string): void {
    this.#running.delete(token);
    void this.#calls.run((client) => runScript(client, HOLD, [PREFIX + key], [token, 0]));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#calls.close();
  }

  #renew(): void {
    for (const [token, key] of this.#running) void this.#calls.run((client) => runScript(client, HOLD, [PREFIX + key], [token, LEASE_MS]));
  }
}
