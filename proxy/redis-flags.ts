// The flags of the Redis in which limits of requests count, and in which sessions, topics and stored answers are.
import { parseRedisUrl } from '#lib/redis.ts';
import type { RedisSettings } from '#lib/redis.ts';
import { Mistake } from '#lib/flags.ts';
import type { Flags, FlagValues } from '#lib/flags.ts';

export const REDIS_FLAGS: Flags = {
  'redis-url': {
    default: '',
    value: 'URL',
    text: 'Redis for limits that count there, sessions of logins, topics and stored answers: redis://HOST:PORT, redis+cluster://HOST:PORT,... or redis+sentinel://HOST:PORT,.../MASTER; rediss for TLS',
  },
  'redis-user-file': { default: '', value: 'FILE', text: 'user of Redis, in place of that in --redis-url; the proxy notices changes' },
  'redis-password-file': { default: '', value: 'FILE', text: 'password of Redis; the proxy notices changes' },
  'redis-tls-ca': { default: '', value: 'FILE', text: "CA of the certificate of Redis, PEM; the machine's CAs by default" },
  'redis-tls-cert': { default: '', value: 'FILE', text: 'certificate for Redis, PEM' },
  'redis-tls-key': { default: '', value: 'FILE', text: 'key of that certificate, PEM' },
  'redis-timeout': { default: '100ms', value: 'TIME', text: 'how long a request waits for Redis' },
};

/** Null without --redis-url. */
export function readRedis(values: FlagValues): RedisSettings | null {
  const url = values.text('redis-url');
  if (url === '') return null;
  const address = parseRedisUrl(url);
  if (!address.ok) throw new Mistake(`--redis-url: ${address.error}`);
  const [certificateFile, keyFile] = [values.text('redis-tls-cert'), values.text('redis-tls-key')];
  if ((certificateFile === '') !== (keyFile === '')) throw new Mistake('--redis-tls-cert and --redis-tls-key belong together');
  return {
    address: address.value,
    userFile: values.text('redis-user-file'),
    passwordFile: values.text('redis-password-file'),
    caFile: values.text('redis-tls-ca'),
    ...{ certificateFile, keyFile },
    timeoutMs: Math.max(1, values.time('redis-timeout')),
  };
}
