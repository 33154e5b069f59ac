// Decisions about traffic at run time: limits, blocks, stored answers, open connections.
import { Type } from '#lib/typebox.ts';
import type { LiveRow } from './row.ts';
import { COMMANDED, COUNT, ENDS, input, list, MEASURE, NAME, NUMBER, OPTIONAL_TEXT, shown, TEXT, top } from './schemas.ts';

const READ = 'traffic:read';
const WRITE = 'traffic:write';
const ALL = Type.Optional(Type.Literal(true));
const SUBJECT = Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 }));
const SUBJECTS = { url: SUBJECT, prefix: SUBJECT, tag: SUBJECT };
const SOURCE = Type.String({ minLength: 1, maxLength: 512, description: 'ADDRESS, PREFIX, principal:ID or consumer:NAMESPACE/NAME.' });
const FILTER = {
  ...{ id: Type.Optional(NAME), route: Type.Optional(NAME), principal: Type.Optional(NAME), source: Type.Optional(NAME) },
  kind: Type.Optional(Type.Enum(['websocket', 'tunnel', 'events', 'hub-websocket', 'hub-events'])),
};
/** The time to warm caches of all proxies, one group after the other, milliseconds. */
const WARM_MS = 300_000;

/** The operations about traffic. */
export const TRAFFIC_ROWS: readonly LiveRow[] = [
  {
    ...{ id: 'limits.list', runs: 'GET /limits', method: 'GET', path: '/limits', permission: READ },
    summary: 'List keys of rate limits and quotas, with what is left and when it is reset',
    query: input({ limit: Type.Optional(NAME), top: top(1_000, 100) }),
    answer: shown({ keys: list({}), more: COUNT, missing: ENDS, lease: TEXT }),
    example: {},
    noun: 'limit',
  },
  {
    ...{ id: 'limits.reset', runs: 'DELETE /limits', method: 'POST', path: '/limits/reset', permission: WRITE },
    summary: 'Reset one key of a limit, or all of them',
    body: input({ limit: NAME, key: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024 })), all: ALL }),
    answer: shown({ keys: COUNT, proxies: ENDS }),
    example: { body: { limit: 'default/calls/all', all: true } },
    noun: 'limit',
    changes: ({ limit }) => `limit/${String(limit)}`,
  },
  {
    ...{ id: 'blocks.list', runs: 'GET /blocks', method: 'GET', path: '/blocks', permission: READ },
    summary: 'List sources that operators and threat detection block',
    answer: shown({
      blocks: list({ source: TEXT, by: TEXT, policy: TEXT, reason: TEXT, score: MEASURE, expires: OPTIONAL_TEXT, origin: TEXT }),
      notes: Type.Array(TEXT),
    }),
    example: {},
  },
  {
    ...{ id: 'blocks.put', runs: 'PUT /blocks', method: 'PUT', path: '/blocks', permission: WRITE },
    summary: 'Block all requests of a source at all proxies',
    body: input({
      source: SOURCE,
      reason: Type.Optional(Type.String({ maxLength: 128 })),
      ttl: Type.Optional(Type.String({ maxLength: 32 })),
    }),
    answer: COMMANDED,
    example: { body: { source: '203.0.113.7', reason: 'scans', ttl: '1h' } },
    changes: ({ source }) => `block/${String(source)}`,
  },
  {
    ...{ id: 'blocks.delete', runs: 'DELETE /blocks', method: 'DELETE', path: '/blocks', permission: WRITE },
    summary: 'End the block of a source',
    query: input({ source: SOURCE }),
    answer: COMMANDED,
    example: { query: { source: '203.0.113.7' } },
    changes: ({ source }) => `block/${String(source)}`,
  },
  {
    ...{ id: 'cache.list', runs: 'GET /cache', method: 'GET', path: '/cache', permission: READ },
    summary: 'List stored answers, the largest first',
    query: input({ ...SUBJECTS, route: Type.Optional(NAME), top: top(1_000, 100) }),
    answer: shown({ answers: list({ proxy: TEXT }), more: COUNT, missing: ENDS }),
    example: {},
  },
  {
    ...{ id: 'cache.purge', runs: 'DELETE /cache', method: 'POST', path: '/cache/purge', permission: WRITE },
    summary: 'Drop stored answers by URL, prefix or tag, or all',
    body: input({ ...SUBJECTS, all: ALL }),
    answer: shown({ answers: COUNT, proxies: ENDS }),
    example: { body: { all: true } },
    changes: ({ url, prefix, tag }) => `cache/${String(url ?? prefix ?? tag ?? 'all')}`,
  },
  {
    ...{ id: 'cache.warm', runs: 'POST /cache/warm', method: 'POST', path: '/cache/warm', permission: WRITE, deadlineMs: WARM_MS },
    summary: 'Have proxies request URLs, so that clients find the answers in the cache',
    body: input({
      urls: Type.Array(Type.String({ minLength: 1, maxLength: 2_048 }), { minItems: 1, maxItems: 32 }),
      headers: Type.Optional(Type.Array(input({ name: NAME, value: Type.String({ maxLength: 512 }) }), { maxItems: 16 })),
      port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
      concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
      rate: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    }),
    answer: shown({ urls: list({ url: TEXT, outcome: TEXT, status: NUMBER, reason: TEXT, proxy: TEXT }), missing: ENDS }),
    example: { body: { urls: ['http://shop.example/a'] } },
    changes: () => 'cache/warm',
  },
  {
    ...{ id: 'connections.list', runs: 'GET /connections', method: 'GET', path: '/connections', permission: READ },
    summary: 'List open WebSockets, tunnels and streams of events, the oldest first',
    query: input({ ...FILTER, top: top(1_000, 100) }),
    answer: shown({ connections: list({ proxy: TEXT }), more: COUNT, missing: ENDS }),
    example: {},
  },
  {
    ...{ id: 'connections.close', runs: 'DELETE /connections', method: 'POST', path: '/connections/close', permission: WRITE },
    summary: 'Close open connections, by filter or all',
    body: input({
      ...{ ...FILTER, all: ALL, code: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 4_999 })) },
      reason: Type.Optional(Type.String({ maxLength: 123 })),
    }),
    answer: shown({ connections: COUNT, proxies: ENDS }),
    example: { body: { route: 'HTTPRoute/default/none/0' } },
    changes: ({ id, route, principal, source, kind }) => `connections/${String(id ?? route ?? principal ?? source ?? kind ?? 'all')}`,
  },
  {
    ...{ id: 'plugins.list', runs: 'GET /plugins', method: 'GET', path: '/plugins', permission: READ },
    summary: 'List plugins with their version, where they run, their calls and failures',
    answer: shown({
      plugins: list({
        ...{ proxy: TEXT, policy: TEXT, plugin: TEXT, language: TEXT, version: TEXT, place: TEXT, reason: TEXT },
        ...{ workers: COUNT, calls: COUNT, failures: COUNT, crashes: COUNT },
      }),
      more: COUNT,
      missing: ENDS,
    }),
    example: {},
  },
  {
    ...{ id: 'hubs.list', runs: 'GET /hubs', method: 'GET', path: '/hubs', permission: READ },
    summary: 'List hubs of topics',
    answer: shown({ hubs: list({ hub: TEXT, store: TEXT, messages: COUNT, ageMs: COUNT, maxMessageSize: COUNT }) }),
    example: {},
  },
  {
    ...{ id: 'hubs.publish', runs: 'POST /hubs/publish', method: 'POST', path: '/hubs/publish', permission: WRITE },
    summary: 'Publish a message to all subscribers of a topic',
    description: 'The rules of the hub about publications are for its clients, and do not hold here. The audit log has the message.',
    body: input({
      hub: Type.String({ minLength: 3, maxLength: 256, description: 'NAMESPACE/NAME of the hub.' }),
      topic: Type.String({ minLength: 1, maxLength: 200 }),
      data: Type.Unknown({ description: 'Any JSON.' }),
    }),
    answer: shown({ messages: list({ proxy: TEXT, id: TEXT }), proxies: ENDS }),
    example: { body: { hub: 'shop/live', topic: 'news', data: { text: 'The shop closes in ten minutes.' } } },
    noun: 'hub',
    namespaceOf: ({ hub }) => String(hub).split('/', 1)[0] ?? '',
    changes: ({ hub, topic }) => `hub/${String(hub)}/${String(topic)}`,
  },
];
