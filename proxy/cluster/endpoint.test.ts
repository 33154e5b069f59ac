// Endpoints by address: one state per address, with any number of clusters, and one pool per transport.
import { describe, expect, test } from '@jest/globals';
import type { Transport } from '../exchange/plan.ts';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { BreakerSettings } from './breaker/breaker-settings.ts';
import { Cluster } from './cluster.ts';
import { EndpointRegistry } from './endpoint.ts';
import type { Endpoint, EndpointPool, PoolCounts } from './endpoint.ts';
import { detectionId, STANDARD_OUTLIERS } from './health/outlier-settings.ts';
import { transportOf } from './transport.ts';
import { reasonsOf } from './variant.ts';

const HTTP1 = transportOf({ protocol: 'http1', proxyProtocol: 0, tls: null });
const HTTP2 = transportOf({ protocol: 'http2', proxyProtocol: 0, tls: null });
const TCP = transportOf({ protocol: 'tcp', proxyProtocol: 0, tls: null });

/** A created pool and its state. */
interface Made {
  readonly to: string;
  readonly transport: Transport;
  counts: PoolCounts;
  closed: boolean;
}

function registry(): { readonly endpoints: EndpointRegistry; readonly made: Made[] } {
  const made: Made[] = [];
  const endpoints = new EndpointRegistry(({ address, port }, transport): EndpointPool => {
    const pool: Made = { to: `${address}:${port}`, transport, counts: { open: 1, idle: 1, pending: 0, slow: 0 }, closed: false };
    made.push(pool);
    return {
      get counts() {
        return pool.counts;
      },
      send: () => undefined,
      forget: () => undefined,
      close: () => void (pool.closed = true),
    };
  }, new TimerWheel());
  return { endpoints, made };
}

describe('the registry', () => {
  test('has one endpoint per address and port', () => {
    const { endpoints } = registry();
    const first = endpoints.acquire('10.0.0.1', 80);
    expect(endpoints.acquire('10.0.0.1', 80)).toBe(first);
    expect(endpoints.acquire('10.0.0.1', 81)).not.toBe(first);
    expect(endpoints.acquire('10.0.0.2', 80)).not.toBe(first);
    expect(endpoints.size).toBe(3);
  });

  test('keeps an endpoint until its last release, then closes its connections', () => {
    const { endpoints, made } = registry();
    const endpoint = endpoints.acquire('10.0.0.1', 80);
    endpoints.acquire('10.0.0.1', 80);
    endpoint.pool(HTTP1);
    endpoints.release(endpoint);
    expect([endpoints.size, made[0]?.closed]).toEqual([1, false]);
    endpoints.release(endpoint);
    expect([endpoints.size, made[0]?.closed]).toEqual([0, true]);
  });

  test('creates a new endpoint for an address that returns', () => {
    const { endpoints } = registry();
    const gone = endpoints.acquire('10.0.0.1', 80);
    endpoints.release(gone);
    expect(endpoints.acquire('10.0.0.1', 80)).not.toBe(gone);
  });
});

describe('an endpoint', () => {
  test('has one pool per transport', () => {
    const { endpoints, made } = registry();
    const endpoint = endpoints.acquire('10.0.0.1', 80);
    const pool = endpoint.pool(HTTP1);
    const other = endpoint.pool(HTTP2);
    expect(other).not.toBe(pool);
    expect([endpoint.pool(HTTP1), endpoint.pool(HTTP2)]).toEqual([pool, other]);
    expect(made.map(({ to, transport }) => [to, transport.protocol])).toEqual([
      ['10.0.0.1:80', 'http1'],
      ['10.0.0.1:80', 'http2'],
    ]);
  });

  test('removes empty pools of other transports when it creates a pool', () => {
    const { endpoints, made } = registry();
    const endpoint = endpoints.acquire('10.0.0.1', 80);
    endpoint.pool(HTTP1);
    made[0]!.counts = { open: 0, idle: 0, pending: 0, slow: 0 };
    endpoint.pool(HTTP2);
    made[1]!.counts = { open: 0, idle: 0, pending: 1, slow: 0 };
    endpoint.pool(TCP);
    expect(endpoint.counts).toEqual([
      { open: 0, idle: 0, pending: 1, slow: 0 },
      { open: 1, idle: 1, pending: 0, slow: 0 },
    ]);
  });

  test('closes all its pools', () => {
    const { endpoints, made } = registry();
    const endpoint = endpoints.acquire('10.0.0.1', 80);
    for (const transport of [HTTP1, HTTP2]) endpoint.pool(transport);
    endpoint.close();
    expect(made.map(({ closed }) => closed)).toEqual([true, true]);
  });
});

describe('the reasons of an endpoint', () => {
  const BREAKER: BreakerSettings = {
    ...{ scope: 'Endpoint', consecutiveFailures: 1, failurePercent: 0, slowPercent: 0, slowAfter: 0, minRequests: 1 },
    ...{ window: 1_000, openFor: 60_000, halfOpenRequests: 1, successThreshold: 1 },
  };

  test('are all that apply; an override is the only one, since the others have no effect then', () => {
    const { endpoints } = registry();
    const cluster = new Cluster('app', endpoints, new UpstreamCounts(100).acquire('app'));
    cluster.update(['10.0.0.1', '10.0.0.2'].map((address) => ({ address, port: 80, draining: false })));
    const [endpoint] = cluster.endpoints as [Endpoint];
    const variant = cluster.variant();
    variant.pick([], { clientAddress: '192.0.2.1', requestHeaders: [], query: '' });
    expect(reasonsOf(endpoint)).toEqual([]);
    endpoint.unhealthy = new Set(['check']);
    endpoint.outliers.take(detectionId(STANDARD_OUTLIERS), { cause: '5xx', times: 1, length: 60_000, until: Date.now() + 60_000 });
    endpoint.breakers.of(BREAKER).open('told');
    for (let i = 0; i < 10; i++) endpoint.connectFailed();
    expect(reasonsOf(endpoint)).toEqual(['unhealthy', 'ejected', 'open', 'refusing']);
    endpoints.override('10.0.0.1|80', 'out');
    expect(reasonsOf(endpoint)).toEqual(['forcedOut']);
    endpoints.override('10.0.0.1|80', 'in');
    expect(reasonsOf(endpoint)).toEqual(['forcedIn']);
    cluster.update([]);
  });
});
