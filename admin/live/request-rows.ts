// Records of requests: lines of the access log, live and recent, failures in groups, and the window of the last two hours.
import { Type } from '#lib/typebox.ts';
import type { LiveRow } from './row.ts';
import { COUNT, DURATION, ENDS, input, list, MEASURE, MISSING, NAME, NUMBER, PROXIES, shown, TEXT, top, WORKER } from './schemas.ts';

const FILTER = Type.Optional(Type.String({ maxLength: 4_096, description: 'Rules, as --access-log-filter; absent: all lines.' }));
const LINES = { lines: list({ at: NUMBER, proxy: TEXT, line: TEXT }), more: COUNT, missing: ENDS };
const GROUP = {
  ...{ id: TEXT, code: TEXT, route: TEXT, backend: TEXT, cause: TEXT, count: COUNT, perMinute: NUMBER, trend: TEXT },
  ...{ first: NUMBER, last: NUMBER },
};
const RATES = { requestsPerSecond: NUMBER, failuresPerSecond: NUMBER, p50Ms: MEASURE, p99Ms: MEASURE };
const LABEL = Type.Enum(['route', 'class', 'code', 'backend', 'endpoint']);
const SELECTION = input({
  metric: NAME,
  where: Type.Optional(Type.Array(input({ label: LABEL, is: Type.Enum(['equal', 'unequal', 'starts']), value: NAME }), { maxItems: 16 })),
  by: Type.Optional(Type.Array(LABEL, { maxItems: 5 })),
  range: Type.Optional(DURATION),
  offset: Type.Optional(DURATION),
});
const VALUES = list({ labels: Type.Record(Type.String(), Type.String()), value: NUMBER });

/** The operations about requests. */
export const REQUEST_ROWS: readonly LiveRow[] = [
  {
    ...{ id: 'requests.tail', runs: 'POST /proxies/tail', method: 'GET', path: '/requests/tail', permission: 'requests:read' },
    summary: 'Follow lines of the access log as requests end',
    description:
      'Events: line for each request, end with the state of each proxy and the number of dropped lines, or cut if the controller is lost. A reader that is too slow gets fewer lines.',
    query: input({
      ...{ filter: FILTER, duration: Type.Optional(DURATION), proxies: PROXIES, worker: WORKER },
      rate: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'The most lines per second of a proxy.' })),
    }),
    answer: shown({ proxy: TEXT, line: TEXT }),
    example: { query: { duration: '1ms' } },
    noun: 'proxy',
    streams: 'events',
  },
  {
    ...{ id: 'requests.recent', runs: 'POST /proxies/recent', method: 'GET', path: '/requests/recent', permission: 'requests:read' },
    summary: 'List lines that proxies keep about requests of the last hour',
    query: input({ filter: FILTER, since: Type.Optional(DURATION), top: top(1_000, 1_000), proxies: PROXIES }),
    answer: shown(LINES),
    example: { query: { since: '5m' } },
    noun: 'proxy',
  },
  {
    ...{ id: 'requests.trace', runs: 'GET /trace', method: 'GET', path: '/requests/trace', permission: 'requests:read' },
    summary: 'Tell all that the fleet still knows of one request or trace',
    query: input({ id: Type.String({ minLength: 1, maxLength: 256 }) }),
    answer: shown({ ...LINES, failures: list({ group: TEXT, code: TEXT, route: TEXT, backend: TEXT }), missingControllers: MISSING }),
    example: { query: { id: '4bf92f3577b34da6a3ce929d0e0e4736' } },
  },
  {
    ...{ id: 'errors.list', runs: 'GET /errors', method: 'GET', path: '/errors', permission: 'traffic:read' },
    summary: 'List groups of failures by code, route, backend and cause',
    query: input({ code: Type.Optional(NAME), route: Type.Optional(NAME), backend: Type.Optional(NAME), top: top(1_000, 50) }),
    answer: shown({ groups: list(GROUP), more: COUNT, missing: MISSING }),
    example: {},
  },
  {
    ...{ id: 'errors.get', runs: 'GET /errors', method: 'GET', path: '/errors/{id}', permission: 'requests:read' },
    summary: 'Tell one group of failures with its samples',
    params: input({ id: Type.String({ minLength: 1, maxLength: 64 }) }),
    answer: shown({ groups: list(GROUP), missing: MISSING }),
    example: { params: { id: 'example' }, unknown: { id: 'none' } },
    noun: 'group of failures',
  },
  {
    ...{ id: 'window.query', runs: 'POST /window/query', method: 'POST', path: '/window/query', permission: 'traffic:read' },
    summary: 'Ask for sums, rates, ratios, percentiles or a history of what proxies counted',
    body: input({
      function: Type.Enum(['sum', 'rate', 'ratio', 'quantile', 'history']),
      of: SELECTION,
      by: Type.Optional(SELECTION),
      share: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
      intervals: Type.Optional(Type.Integer({ minimum: 1, maximum: 720 })),
    }),
    answer: shown({ values: Type.Optional(VALUES), missing: MISSING }),
    example: { body: { function: 'rate', of: { metric: 'requests', by: ['route'], range: '5m' } } },
  },
  {
    ...{ id: 'window.gauge', runs: 'GET /window/gauge', method: 'GET', path: '/window/gauge', permission: 'traffic:read' },
    summary: 'Tell the present values of a gauge',
    query: input({ name: NAME }),
    answer: shown({ values: VALUES, missing: MISSING }),
    example: { query: { name: 'endpoints' } },
  },
  {
    ...{ id: 'top.get', runs: 'GET /top', method: 'GET', path: '/top', permission: 'traffic:read' },
    summary: 'List routes, backends and endpoints with rates, failures and percentiles',
    query: input({ range: Type.Optional(DURATION) }),
    answer: shown({
      ...{ rangeMs: NUMBER, knownMs: NUMBER, missing: MISSING },
      routes: list({ route: TEXT, ...RATES }),
      backends: list({ backend: TEXT, ...RATES }),
      endpoints: list({ backend: TEXT, endpoint: TEXT, ...RATES }),
    }),
    example: { query: { range: '1m' } },
  },
];
