import { expect, test } from '@jest/globals';
import { parseRedisUrl } from './redis.ts';

const NONE = { user: '', database: 0, master: '', tls: false };

test.each([
  ['redis://cache', { ...NONE, kind: 'server', nodes: [{ host: 'cache', port: 6379 }] }],
  ['rediss://u%40s@[::1]:7000/3', { ...NONE, kind: 'server', tls: true, user: 'u@s', database: 3, nodes: [{ host: '::1', port: 7000 }] }],
  [
    'redis+cluster://a:1,b',
    {
      ...NONE,
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
      ],
    },
  ],
  ['redis+sentinel://a/main', { ...NONE, kind: 'sentinel', master: 'main', nodes: [{ host: 'a', port: 26379 }] }],
] as const)('reads %s', (url, address) => {
  expect(parseRedisUrl(url)).toEqual({ ok: true, value: address });
});

test.each(['http://a', 'redis://', 'redis://a,b', 'redis+sentinel://a', 'redis://a/x', 'redis://secret:word@a:b', 'redis://u:word@a'])(
  'refuses %s',
  (url) => {
    const read = parseRedisUrl(url);
    expect(read.ok).toBe(false);
    expect(JSON.stringify(read)).not.toContain('word@a');
  },
);
