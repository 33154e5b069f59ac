// The settings of forwarding: those of the rule, then those of policies, then the defaults.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { PolicyIndex } from '#api/policy/layers.ts';
import { route, streamRoute } from '../../test/support/proxy.ts';
import { STANDARD } from '../cluster/settings.ts';
import { clusterSettings } from './backend-traffic/cluster.ts';
import { forwardSettings, streamUseOf, useOf } from './backend-traffic.ts';

const LISTENER = 'default/gateway/http';
const APP = 'Service/default/app/80';

function policy(target: Partial<ir.PolicyTarget>, settings: ir.Policy['settings']): ir.Policy {
  const name = `${target.kind ?? 'Gateway'}-${target.name ?? 'gateway'}`;
  return {
    kind: 'Policy',
    key: `BackendTrafficPolicy/default/${name}`,
    policyKind: 'BackendTrafficPolicy',
    namespace: 'default',
    name,
    createdAt: 0,
    targets: [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '', ...target }],
    settings,
  };
}

describe('without a policy', () => {
  test('there are no limits, no retries and no headers about the client', () => {
    expect(forwardSettings(route(), {})).toEqual({
      protocol: null,
      proxyProtocol: 0,
      requestTimeout: 0,
      backendRequestTimeout: 0,
      timeoutHeader: null,
      retry: null,
      retryBudget: { percent: 20, interval: 10_000, least: 10, leastInterval: 1_000 },
      hedge: null,
      webSocket: null,
      faults: null,
      priority: null,
      queue: null,
      bandwidth: null,
      fallback: null,
    });
  });

  test('a gRPC rule sets HTTP/2', () => {
    expect(forwardSettings(route({ http2: true }), { protocol: 'HTTP1' }).protocol).toBe('http2');
  });
});

describe('a policy', () => {
  test('is overridden by the rule', () => {
    const retry = { codes: [503], attempts: 3, backoff: 10 };
    const said = route({ timeouts: { request: 100, backendRequest: null }, retry });
    const settings = forwardSettings(said, { timeouts: { request: 5_000, backendRequest: 50 }, retry: { attempts: 9 } });
    expect(settings).toMatchObject({ requestTimeout: 100, backendRequestTimeout: 50, retry });
    const partly = forwardSettings(route({ retry: { ...retry, codes: [] } }), { retry: { attempts: 9, codes: [500], maxBackoff: 99 } });
    expect(partly.retry).toMatchObject({ attempts: 3, codes: [500], backoff: 10, maxBackoff: 99 });
  });

  test('a timeout of 0 in the rule turns it off with any policy', () => {
    const off = route({ timeouts: { request: 0, backendRequest: 0 } });
    expect(forwardSettings(off, { timeouts: { request: 5_000, backendRequest: 50 } })).toMatchObject({
      requestTimeout: 0,
      backendRequestTimeout: 0,
    });
  });

  test('a retry without further settings is one attempt for what is safe to repeat', () => {
    expect(forwardSettings(route(), { retry: {} }).retry).toEqual({
      ...{ attempts: 1, connect: true, refused: true, reset: 'idempotent', timeout: 'idempotent', grpcStatuses: [] },
      ...{ codes: [], safeCodes: [502, 503, 504], serverErrors: false },
      ...{ backoff: 25, maxBackoff: 250, maxRetryAfter: 2_000 },
    });
  });

  test('the budget is there without a policy, and a budget alone sets no retries', () => {
    const standard = { percent: 20, interval: 10_000, least: 10, leastInterval: 1_000 };
    expect(forwardSettings(route(), {}).retryBudget).toEqual(standard);
    const settings = forwardSettings(route(), { retry: { budget: { percent: 5, minRetriesPerSecond: 0 } } });
    expect([settings.retry, settings.retryBudget]).toEqual([null, { ...standard, percent: 5, least: 0 }]);
  });

  test.each([
    [10, 10, 1_000],
    [3.5, 3, 1_000],
    [0.5, 1, 2_000],
    [0, 0, 1_000],
  ])('a least rate of %f per second is %i in %i ms', (minRetriesPerSecond, least, leastInterval) => {
    const { retryBudget } = forwardSettings(route(), { retry: { budget: { minRetriesPerSecond } } });
    expect(retryBudget).toMatchObject({ least, leastInterval });
  });

  test('statuses replace those of gateways, and an empty list is none', () => {
    expect(forwardSettings(route(), { retry: { codes: [500] } }).retry).toMatchObject({ codes: [500], safeCodes: [], reset: 'idempotent' });
    expect(forwardSettings(route(), { retry: { codes: [] } }).retry).toMatchObject({ codes: [], safeCodes: [] });
  });

  test('triggers are the only failures, for all methods', () => {
    expect(forwardSettings(route(), { retry: { triggers: ['reset', 'gateway-error'], codes: [409] } }).retry).toMatchObject({
      ...{ connect: false, refused: false, reset: 'all', timeout: 'none' },
      ...{ codes: [502, 503, 504, 409], safeCodes: [], serverErrors: false },
    });
    expect(forwardSettings(route(), { retry: { triggers: ['connect-failure', 'refused-stream', 'timeout', '5xx'] } }).retry).toMatchObject({
      ...{ connect: true, refused: true, reset: 'none', timeout: 'all', codes: [], safeCodes: [], serverErrors: true },
    });
  });

  test.each([
    ['None', 0],
    ['V1', 1],
    ['V2', 2],
  ] as const)('the PROXY protocol %s is version %i', (proxyProtocol, version) => {
    expect(forwardSettings(route(), { proxyProtocol }).proxyProtocol).toBe(version);
  });

  test('limits of WebSockets that are all 0 make no plan', () => {
    expect(forwardSettings(route(), { webSocket: { idle: 0, message: 0 } }).webSocket).toBeNull();
    expect(forwardSettings(route(), { webSocket: { idle: 5, message: 0 } }).webSocket).toMatchObject({ idle: 5, maxMessageBytes: 0 });
  });
});

describe('policies', () => {
  const policies = new PolicyIndex([
    policy({}, { proxyProtocol: 'V1', timeouts: { request: 1_000 } }),
    policy({ kind: 'Service', name: 'app' }, { proxyProtocol: 'V2' }),
  ]);

  test('of the backend apply after its choice', () => {
    expect(useOf(policies, route(), LISTENER, null).forward).toMatchObject({ proxyProtocol: 1, requestTimeout: 1_000 });
    expect(useOf(policies, route(), LISTENER, APP).forward).toMatchObject({ proxyProtocol: 2, requestTimeout: 1_000 });
  });

  test('of another Gateway do not apply', () => {
    expect(useOf(policies, route(), 'default/other/http', null).forward).toMatchObject({ proxyProtocol: 0, requestTimeout: 0 });
  });

  test('also apply to stream routes', () => {
    expect(streamUseOf(policies, streamRoute(), LISTENER, APP).forward).toEqual({ proxyProtocol: 2, bandwidth: null });
    expect(streamUseOf(policies, streamRoute(), LISTENER, 'Service/default/db/80').forward).toEqual({ proxyProtocol: 1, bandwidth: null });
  });
});

describe('health checks', () => {
  test('are off, and endpoints are ejected, without a policy', () => {
    expect(clusterSettings({})).toEqual(STANDARD);
    expect(JSON.stringify(clusterSettings({}))).toBe(JSON.stringify(STANDARD));
  });

  test('fill in what the policy leaves out', () => {
    const { activeCheck } = clusterSettings({ healthCheck: { active: { path: '/up' } } });
    expect(activeCheck).toEqual({
      pace: { interval: 5_000, unhealthyInterval: 5_000, timeout: 1_000, healthyThreshold: 1, unhealthyThreshold: 3 },
      port: null,
      tls: 'transport',
      clientCertificate: null,
      request: { type: 'http', method: 'GET', path: '/up', host: null, headers: [], statuses: [[200, 399]], body: null },
    });
  });

  test('take all settings of each type', () => {
    const request = (active: object): unknown => clusterSettings({ healthCheck: { active } }).activeCheck?.request;
    const http = {
      method: 'HEAD',
      host: 'h',
      headers: [{ name: 'X-A', value: '1' }],
      expectedStatuses: [204, '300-308'],
      body: { matches: 'x', bytes: 9 },
    };
    expect(request(http)).toMatchObject({
      method: 'HEAD',
      host: 'h',
      headers: [['x-a', '1']],
      body: { type: 'regex', value: 'x', bytes: 9 },
    });
    expect(request(http)).toMatchObject({
      statuses: [
        [204, 204],
        [300, 308],
      ],
    });
    expect(request({ type: 'GRPC', service: 's' })).toEqual({ type: 'grpc', service: 's', host: null });
    expect(request({ type: 'TCP', send: { text: 'é' }, expect: { hex: 'FF' } })).toEqual({ type: 'tcp', send: 'c3a9', expect: 'ff' });
  });

  test.each([
    ['an interval of 0', { active: { interval: 0 } }, 'activeCheck'],
    ['a cap of 0', { passive: { maxEjectionPercent: 0 } }, 'outliers'],
    ['an ejection time of 0', { passive: { baseEjectionTime: 0 } }, 'outliers'],
  ] as const)('are off with %s', (_, healthCheck, setting) => {
    expect(clusterSettings({ healthCheck })[setting]).toBeNull();
  });

  test('rules of outliers keep the defaults that the policy leaves out', () => {
    const { outliers } = clusterSettings({
      healthCheck: { passive: { consecutive5xx: 3, latency: { factor: 2 }, failureRatio: { percent: 0 } } },
    });
    expect(outliers).toEqual({ ...STANDARD.outliers, consecutive5xx: 3, latency: { factor: 2, minRequests: 100 } });
  });
});
