// Proxies, and the state of what they serve: status, overrides of endpoints and breakers, drain, endpoints registered by hand, lookups.
import { Type } from '#lib/typebox.ts';
import type { Fields, LiveRow } from './row.ts';
import { COMMANDED, COUNT, ENDS, input, list, MEASURE, MISSING, NAME, NUMBER, OPTIONAL_TEXT, shown, TEXT } from './schemas.ts';

const PROXY = {
  ...{ node: TEXT, scope: TEXT, version: TEXT, address: TEXT, state: TEXT, revision: TEXT },
  reportAgeMs: MEASURE,
  ...{ memory: NUMBER, lagMs: NUMBER, connections: NUMBER, requests: NUMBER, workers: NUMBER, uptimeMs: NUMBER },
  draining: Type.Boolean(),
};
const LISTENER = { listener: TEXT, protocol: TEXT, port: COUNT, hostname: TEXT, unserved: TEXT };
const RATES = { requestsPerSecond: NUMBER, failuresPerSecond: NUMBER };
const ENDPOINT = {
  endpoint: TEXT,
  state: TEXT,
  ...RATES,
  inFlight: NUMBER,
  connections: NUMBER,
  reasons: list({ reason: TEXT, count: COUNT }),
};
const BACKEND = { backend: TEXT, ...RATES, p50Ms: MEASURE, p99Ms: MEASURE, breaker: TEXT, endpoints: list(ENDPOINT) };
const ROUTE = { route: TEXT, ...RATES, p50Ms: MEASURE, p99Ms: MEASURE };
const OVERRIDE = { kind: TEXT, backend: TEXT, endpoint: TEXT, state: TEXT, at: NUMBER };
const PROBLEM = { severity: TEXT, object: TEXT, message: TEXT };
const AT = { at: Type.String({ description: 'The time of the status, ISO 8601.' }), missing: MISSING };

const DRAINED = { proxies: Type.Array(NAME, { minItems: 1, maxItems: 1_000 }) };
const REGISTERED = { address: Type.String({ minLength: 2, maxLength: 45 }), port: Type.Integer({ minimum: 1, maximum: 65_535 }) };
const LABELS = Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 63 })));
const NEW_ENDPOINT = input({
  ...REGISTERED,
  weight: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 7 })),
  zone: Type.Optional(Type.String({ minLength: 1, maxLength: 63 })),
  labels: LABELS,
  ttl: Type.Optional(Type.String({ maxLength: 32 })),
});
const BACKEND_NAME = Type.String({ minLength: 3, maxLength: 317, description: 'NAMESPACE/NAME of a Backend.' });
const EXAMPLE_BACKEND = 'shop/legacy';

function namespaceOf({ backend }: Fields): string | null {
  return typeof backend === 'string' ? (backend.split('/')[0] ?? null) : null;
}

/** One part of the status as a list of its own. */
function part(name: string, properties: Parameters<typeof list>[0], summary: string): LiveRow {
  return {
    ...{ id: `${name}.list`, runs: 'GET /status', method: 'GET', path: `/${name}`, summary, permission: 'traffic:read' },
    answer: shown({ ...AT, [name]: list(properties) }),
    example: {},
    pick: ({ at, missing, [name]: items }) => ({ at, missing, [name]: items }),
  };
}

/** The operations about proxies and backends. */
export const FLEET_ROWS: readonly LiveRow[] = [
  {
    ...{ id: 'fleet.status', runs: 'GET /status', method: 'GET', path: '/status', permission: 'traffic:read' },
    summary: 'Tell the status of the fleet, with its problems',
    answer: shown({
      ...{ version: TEXT, ...AT, problems: list(PROBLEM), proxies: list(PROXY), listeners: list(LISTENER) },
      ...{ routes: list(ROUTE), backends: list(BACKEND), overrides: list(OVERRIDE) },
    }),
    example: {},
  },
  part('proxies', PROXY, 'List proxies with version, state, age of their configuration and load'),
  {
    ...{ id: 'proxies.get', runs: 'GET /status', method: 'GET', path: '/proxies/{proxy}', permission: 'traffic:read' },
    summary: 'Tell the state of one proxy',
    params: input({ proxy: NAME }),
    answer: shown(PROXY),
    example: { params: { proxy: 'weir-up' }, unknown: { proxy: 'none' } },
    noun: 'proxy',
    pick: ({ proxies }, { proxy }) => (proxies as readonly { readonly node: string }[]).find(({ node }) => node === proxy) ?? null,
  },
  {
    ...{ id: 'proxies.drain', runs: 'POST /proxies/drain', method: 'POST', path: '/proxies/drain', permission: 'traffic:write' },
    summary: 'Let named proxies finish their requests, and take no new connections',
    body: input(DRAINED),
    answer: COMMANDED,
    example: { body: { proxies: ['weir-up'] } },
    noun: 'proxy',
    changes: ({ proxies }) => `proxies/${(proxies as readonly string[]).join(',')}`,
  },
  part('problems', PROBLEM, 'List problems of the fleet, the worst first'),
  part('listeners', LISTENER, 'List listeners, and why one is not served'),
  part('routes', ROUTE, 'List routes with rates and durations of about the last minute'),
  part('backends', BACKEND, 'List backends with their endpoints, health and breakers'),
  part('overrides', OVERRIDE, 'List overrides of endpoints and breakers by operators'),
  {
    ...{ id: 'overrides.endpoint', runs: 'PUT /endpoint', method: 'PUT', path: '/overrides/endpoint', permission: 'traffic:write' },
    summary: 'Take an endpoint out, bring it in, or leave it to health checks',
    body: input({ endpoint: Type.String({ minLength: 1, maxLength: 64 }), state: Type.Enum(['out', 'in', 'auto']) }),
    answer: COMMANDED,
    example: { body: { endpoint: '127.0.0.1:9', state: 'out' } },
    noun: 'endpoint',
    changes: ({ endpoint }) => `endpoint/${String(endpoint)}`,
  },
  {
    ...{ id: 'overrides.breaker', runs: 'PUT /breaker', method: 'PUT', path: '/overrides/breaker', permission: 'traffic:write' },
    summary: 'Open or close the circuit breaker of a backend, or leave it to its policy',
    body: input({ backend: NAME, state: Type.Enum(['open', 'close', 'auto']) }),
    answer: COMMANDED,
    example: { body: { backend: 'Backend/default/app', state: 'open' } },
    noun: 'backend',
    changes: ({ backend }) => `breaker/${String(backend)}`,
  },
  {
    ...{
      id: 'registered-endpoints.list',
      runs: 'GET /endpoints',
      method: 'GET',
      path: '/registered-endpoints',
      permission: 'traffic:read',
    },
    summary: 'List endpoints that are registered by hand',
    query: input({ backend: Type.Optional(BACKEND_NAME) }),
    answer: shown({
      endpoints: list({
        backend: TEXT,
        ...{ address: TEXT, port: COUNT, weight: COUNT, priority: COUNT },
        ttl: OPTIONAL_TEXT,
        expires: OPTIONAL_TEXT,
      }),
      trouble: OPTIONAL_TEXT,
    }),
    example: {},
    namespaceOf,
  },
  {
    ...{
      id: 'registered-endpoints.put',
      runs: 'PUT /endpoints',
      method: 'PUT',
      path: '/registered-endpoints',
      permission: 'traffic:write',
    },
    summary: 'Register endpoints of a Backend, or renew them',
    body: input({ backend: BACKEND_NAME, endpoints: Type.Array(NEW_ENDPOINT, { minItems: 1, maxItems: 256 }) }),
    answer: shown({ added: list({ address: TEXT, port: COUNT }), renewed: list({ address: TEXT, port: COUNT }), notes: Type.Array(TEXT) }),
    example: { body: { backend: EXAMPLE_BACKEND, endpoints: [{ address: '10.0.0.7', port: 8080, ttl: '30s' }] } },
    // Its owner is the caller, whatever the body says.
    input: (fields, { caller }) => ({ ...fields, origin: caller.name.slice(0, 128) }),
    changes: ({ backend }) => `registered-endpoints/${String(backend)}`,
    namespaceOf,
  },
  {
    ...{ id: 'registered-endpoints.remove', runs: 'DELETE /endpoints', method: 'POST', path: '/registered-endpoints/removal' },
    permission: 'traffic:write',
    summary: 'Remove registered endpoints of a Backend, some or all',
    body: input({
      backend: BACKEND_NAME,
      endpoints: Type.Optional(Type.Array(input(REGISTERED), { minItems: 1, maxItems: 256 })),
      all: Type.Optional(Type.Literal(true)),
    }),
    answer: shown({ removed: list({ address: TEXT, port: COUNT }), absent: list({ address: TEXT, port: COUNT }) }),
    example: { body: { backend: EXAMPLE_BACKEND, all: true } },
    changes: ({ backend }) => `registered-endpoints/${String(backend)}`,
    namespaceOf,
  },
  {
    ...{ id: 'lookups.list', runs: 'GET /discovery', method: 'GET', path: '/lookups', permission: 'traffic:read' },
    summary: 'List lookups of endpoints outside Kubernetes, with their troubles',
    answer: list({ owner: TEXT, source: TEXT, failures: COUNT }),
    example: {},
  },
  {
    ...{ id: 'grpc-methods.list', runs: 'GET /grpc-methods', method: 'GET', path: '/grpc-methods', permission: 'traffic:read' },
    summary: 'List methods of gRPC services with calls, failures and durations',
    query: input({ backend: Type.Optional(NAME) }),
    answer: shown({
      methods: list({ service: TEXT, method: TEXT, calls: COUNT, failures: COUNT, p50Ms: MEASURE, p99Ms: MEASURE }),
      proxies: ENDS,
    }),
    example: {},
  },
];
