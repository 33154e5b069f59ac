// Answers for the document, by the id of their operation. A test holds them to what a running fleet answers.
import type { Fields, LiveRow } from './row.ts';

const AT = '2026-11-30T16:04:00.120Z';
const AT_MS = Date.parse(AT);
const PROXIES = [{ proxy: 'weir-up', scope: 'shared', outcome: 'done', reason: '' }];
const COMMANDED = { proxies: PROXIES };
const RATES = { requestsPerSecond: 12.5, failuresPerSecond: 0.1, p50Ms: 4.2, p99Ms: 31 };
const ROUTE = 'HTTPRoute/shop/cart/0';
const BACKEND = 'Backend/shop/cart';
const ENDPOINT = '10.0.0.7:8080';
const LINE = '{"method":"GET","path":"/cart","status":200}';
const SILENCE = {
  ...{ id: '514c9c1f-b365-4284-b3ea-27d727390955', matchers: ['severity="warning"'], author: 'ana', reason: 'maintenance' },
  ...{ starts: AT, ends: '2026-11-30T17:04:00.120Z' },
};

const PROXY = {
  ...{ node: 'weir-up', scope: 'shared', version: '1.4.0', address: '', state: 'reporting', revision: '52bc212b23b9988e' },
  ...{ reportAgeMs: 143, memory: 234_819_584, lagMs: 1.2, connections: 8, requests: 2, workers: 1, uptimeMs: 86_400_000 },
  draining: false,
};
const STATUS = {
  ...{ version: '1.4.0', at: AT, missing: [] },
  problems: [{ severity: 'warning', object: BACKEND, message: '1 of 2 endpoints is unhealthy' }],
  proxies: [PROXY],
  listeners: [{ listener: 'shop/gw/http', protocol: 'HTTP', port: 8080, hostname: '', unserved: '' }],
  routes: [{ route: ROUTE, ...RATES }],
  backends: [
    {
      ...{ backend: BACKEND, ...RATES, breaker: '' },
      endpoints: [
        {
          ...{ endpoint: ENDPOINT, state: 'ready', requestsPerSecond: 12.5, failuresPerSecond: 0.1, inFlight: 1, connections: 4 },
          reasons: [{ reason: 'health check', count: 1 }],
        },
      ],
    },
  ],
  overrides: [{ kind: 'endpoint', backend: '', endpoint: ENDPOINT, state: 'out', at: AT_MS }],
};

const FLEET: Readonly<Record<string, unknown>> = {
  'fleet.status': STATUS,
  'proxies.drain': COMMANDED,
  'overrides.endpoint': COMMANDED,
  'overrides.breaker': COMMANDED,
  'registered-endpoints.list': {
    endpoints: [
      { backend: 'shop/legacy', address: '10.0.0.7', port: 8080, weight: 1, priority: 0, ttl: '30s', expires: '2026-11-30T16:04:30.120Z' },
    ],
    trouble: null,
  },
  'registered-endpoints.put': { added: [{ address: '10.0.0.7', port: 8080 }], renewed: [], notes: [] },
  'registered-endpoints.remove': { removed: [{ address: '10.0.0.7', port: 8080 }], absent: [] },
  'lookups.list': [{ owner: 'Backend/shop/cart', source: 'dns cart.example', failures: 0 }],
  'grpc-methods.list': {
    methods: [{ service: 'shop.Cart', method: 'Get', calls: 1_204, failures: 2, p50Ms: 4.2, p99Ms: 31 }],
    proxies: PROXIES,
  },
};

const TRAFFIC: Readonly<Record<string, unknown>> = {
  'limits.list': {
    keys: [{ limit: 'default/calls/all', plan: '', key: 'clientIP=192.0.2.7', limited: false, left: 42, of: 100, resetMs: 12_000 }],
    ...{ more: 0, missing: [], lease: 'known' },
  },
  'limits.reset': { keys: 1, proxies: PROXIES },
  'blocks.list': {
    blocks: [{ source: '203.0.113.7', by: 'operator', policy: '', reason: 'scans', score: null, expires: AT, origin: '' }],
    notes: [],
  },
  'blocks.put': COMMANDED,
  'blocks.delete': COMMANDED,
  'cache.list': {
    answers: [
      { proxy: 'weir-up', url: 'http://shop.example/a', route: ROUTE, status: 200, bytes: 2_048, ageMs: 900, ttlMs: 59_100, hits: 7 },
    ],
    ...{ more: 0, missing: [] },
  },
  'cache.purge': { answers: 1, proxies: PROXIES },
  'cache.warm': {
    urls: [{ url: 'http://shop.example/a', outcome: 'stored', status: 200, reason: '', proxy: 'weir-up' }],
    missing: [],
  },
  'connections.list': {
    connections: [{ proxy: 'weir-up', id: 'c1', kind: 'websocket', route: ROUTE, source: '192.0.2.7', since: AT_MS }],
    ...{ more: 0, missing: [] },
  },
  'connections.close': { connections: 1, proxies: PROXIES },
  'plugins.list': {
    plugins: [
      {
        ...{ proxy: 'weir-up', policy: 'ExtensionPolicy/shop/tags', plugin: 'plugin', language: 'typescript', version: '52bc212b23b9988e' },
        ...{ place: 'loop', reason: '', workers: 2, calls: 1_204, failures: 2, crashes: 0 },
      },
    ],
    ...{ more: 0, missing: [] },
  },
  'hubs.list': { hubs: [{ hub: 'shop/live', store: 'Memory', messages: 100, ageMs: 300_000, maxMessageSize: 65_536 }] },
  'hubs.publish': { messages: [{ proxy: 'weir-up', id: '1790000000000-0' }], proxies: PROXIES },
};

const GROUP = {
  ...{ id: 'example', code: 'upstream_connect', route: ROUTE, backend: BACKEND, cause: 'connection refused', count: 12, perMinute: 0.4 },
  ...{ trend: 'steady', first: AT_MS - 600_000, last: AT_MS },
};
const LINES = { lines: [{ at: AT_MS, proxy: 'weir-up', line: LINE }], more: 0, missing: [] };
const VALUES = { values: [{ labels: { backend: BACKEND }, value: 2 }], missing: [] };

const REQUESTS: Readonly<Record<string, unknown>> = {
  'requests.tail': { proxy: 'weir-up', line: LINE },
  'requests.recent': LINES,
  'requests.trace': {
    ...LINES,
    failures: [{ group: 'example', code: GROUP.code, route: ROUTE, backend: BACKEND }],
    missingControllers: [],
  },
  'errors.list': { groups: [GROUP], more: 0, missing: [] },
  'errors.get': { groups: [GROUP], missing: [] },
  'window.query': { values: [{ labels: { route: ROUTE }, value: 12.5 }], missing: [] },
  'window.gauge': VALUES,
  'top.get': {
    ...{ rangeMs: 60_000, knownMs: 60_000, missing: [] },
    routes: [{ route: ROUTE, ...RATES }],
    backends: [{ backend: BACKEND, ...RATES }],
    endpoints: [{ backend: BACKEND, endpoint: ENDPOINT, ...RATES }],
  },
};

const ALERTS: Readonly<Record<string, unknown>> = {
  'alerts.list': {
    alerts: [
      {
        ...{ fingerprint: '9f86d081884c7d65', alert: 'WeirBackendFailing', rule: 'default/WeirBackendFailing', state: 'firing' },
        ...{ severity: 'critical', summary: `${BACKEND} fails`, firedAt: AT },
      },
    ],
    silences: [SILENCE],
    rules: [{ rule: 'default/WeirBackendFailing', severity: 'critical', firing: 1, trouble: '' }],
    channels: [{ channel: 'ops/pager', type: 'Webhook', trouble: '' }],
    notes: [],
  },
  'alerts.prometheus-rule': { object: { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule' }, left: [] },
  'alerts.silence': SILENCE,
  'alerts.unsilence': { id: SILENCE.id },
  'alerts.test-channel': { channel: 'ops/pager', delivered: true, reason: '' },
};

const PROFILE = { nodes: [], startTime: 0, endTime: 50_000, samples: [], timeDeltas: [] };
const HEAP = { snapshot: { node_count: 0, edge_count: 0 }, nodes: [], edges: [], strings: [] };

const SYSTEM: Readonly<Record<string, unknown>> = {
  'resources.list': [{ kind: 'Listener', key: 'shop/gw/http', version: '3da955331dac4b61' }],
  'push-sessions.list': [{ nodeId: 'proxy-1', scope: 'shared', phase: 'steady' }],
  'statuses.list': [{ object: 'GatewayClass/weir', status: { type: 'GatewayClass', conditions: [], supportedFeatures: ['HTTPRoute'] } }],
  'proxies.log-level': COMMANDED,
  'proxies.profile': PROFILE,
  'proxies.heap-snapshot': HEAP,
  'controllers.profile': PROFILE,
  'controllers.heap-snapshot': HEAP,
};

const ANSWERS: Readonly<Record<string, unknown>> = { ...FLEET, ...TRAFFIC, ...REQUESTS, ...ALERTS, ...SYSTEM };

/** The answer of the example of a row; that of a part of the status is this part. */
export function exampleAnswer({ id, pick, example }: LiveRow): unknown {
  return pick === undefined ? ANSWERS[id] : pick(STATUS, (example.params ?? {}) as Fields);
}
