// The endpoints of a cluster and the choice among them: the effect of failed connections, the avoided endpoints, and the variants.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import { Cluster } from './cluster.ts';
import { EndpointRegistry } from './endpoint.ts';
import type { Endpoint, EndpointPool } from './endpoint.ts';
import { STANDARD } from './settings.ts';
import type { ClusterVariant } from './variant.ts';

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

const POOL: EndpointPool = {
  counts: { open: 0, idle: 0, pending: 0, slow: 0 },
  send: () => undefined,
  forget: () => undefined,
  close: () => undefined,
};
const SUBJECT = { clientAddress: '192.0.2.1', requestHeaders: [], query: '' };

function registryOf(): EndpointRegistry {
  return new EndpointRegistry(() => POOL, new TimerWheel());
}

function resource(port: number, draining = false) {
  return { address: '10.0.0.1', port, draining };
}

function clusterOf(...ports: readonly number[]): Cluster {
  const cluster = new Cluster('app', registryOf(), new UpstreamCounts(10).acquire('app'));
  cluster.update(ports.map((port) => resource(port)));
  return cluster;
}

function endpointOf(cluster: Cluster, port: number): Endpoint {
  return cluster.endpoints.find((endpoint) => endpoint.port === port) as Endpoint;
}

function pick(of: Cluster | ClusterVariant, tried: readonly Endpoint[] = []): number {
  const variant = of instanceof Cluster ? of.variant() : of;
  return variant.pick(tried, SUBJECT)?.port ?? 0;
}

function picks(of: Cluster | ClusterVariant, times: number): number[] {
  return Array.from({ length: times }, () => pick(of));
}

test('endpoints take turns', () => {
  const cluster = clusterOf(1, 2, 3);
  expect(picks(cluster, 3).sort()).toEqual([1, 2, 3]);
  expect(picks(cluster, 3).sort()).toEqual([1, 2, 3]);
});

test('a cluster without endpoints has nothing to choose', () => {
  expect(clusterOf().variant().pick([], SUBJECT)).toBeNull();
});

test('another attempt takes another endpoint and does not advance the rotation', () => {
  const cluster = clusterOf(1, 2, 3);
  const [first, second, third] = picks(cluster, 3);
  const failed = endpointOf(cluster, first as number);
  expect(pick(cluster, [failed])).toBe(second);
  expect(pick(cluster, [failed])).toBe(second);
  expect(picks(cluster, 3)).toEqual([first, second, third]);
});

test('an attempt that tried all endpoints gets one of them again', () => {
  const cluster = clusterOf(1);
  expect(pick(cluster, [endpointOf(cluster, 1)])).toBe(1);
});

test('draining endpoints are used only if no others are left', () => {
  const cluster = clusterOf(1, 2);
  cluster.update([resource(1), resource(2, true)]);
  expect(picks(cluster, 4)).toEqual([1, 1, 1, 1]);
  cluster.update([resource(2, true)]);
  expect(picks(cluster, 2)).toEqual([2, 2]);
});

describe('an endpoint that refuses connections', () => {
  test('is avoided, and the others take its turns', () => {
    const cluster = clusterOf(1, 2, 3);
    endpointOf(cluster, 2).connectFailed();
    const taken = picks(cluster, 8);
    expect(taken.filter((port) => port === 1).length).toBe(4);
    expect(taken.filter((port) => port === 3).length).toBe(4);
    endpointOf(cluster, 2).connected(1);
    expect(picks(cluster, 3).sort()).toEqual([1, 2, 3]);
  });

  test('is used if all others refuse connections too', () => {
    const cluster = clusterOf(1, 2);
    for (const endpoint of cluster.endpoints) endpoint.connectFailed();
    expect(picks(cluster, 2).sort()).toEqual([1, 2]);
    expect(pick(cluster, [endpointOf(cluster, 1)])).toBe(2);
  });

  test('comes back after a time, which doubles; failures within it count once', () => {
    const cluster = clusterOf(1, 2);
    const endpoint = endpointOf(cluster, 1);
    const isAvoided = () => !picks(cluster, 2).includes(1);
    endpoint.connectFailed();
    endpoint.connectFailed();
    expect(cluster.counts.endpoints.get(endpoint)?.connectFailures).toBe(2);
    expect(isAvoided()).toBe(true);
    jest.advanceTimersByTime(2_100);
    expect(isAvoided()).toBe(false);
    endpoint.connectFailed();
    jest.advanceTimersByTime(3_900);
    expect(isAvoided()).toBe(true);
    jest.advanceTimersByTime(300);
    expect(isAvoided()).toBe(false);
  });
});

test('results of connections count for every cluster with the endpoint, and for no cluster without it', () => {
  const [registry, counts] = [registryOf(), new UpstreamCounts(10)];
  const [one, two] = ['one', 'two'].map((key) => new Cluster(key, registry, counts.acquire(key))) as [Cluster, Cluster];
  one.update([resource(1)]);
  two.update([resource(1), resource(2)]);
  const endpoint = endpointOf(one, 1);
  endpoint.connected(3);
  endpoint.connectFailed();
  expect(picks(two, 2)).toEqual([2, 2]);
  one.update([]);
  endpoint.connected(3);
  expect([one, two].map((cluster) => cluster.counts.connect.total)).toEqual([1, 2]);
  expect(one.counts.endpoints.size).toBe(0);
  expect(two.counts.endpoints.get(endpoint)?.connectFailures).toBe(1);
});

describe('the word of an operator', () => {
  const key = (port: number) => `10.0.0.1|${port}`;

  test('takes an endpoint out, also if no other is left and before the endpoint exists', () => {
    const registry = registryOf();
    registry.override(key(2), 'out');
    const cluster = new Cluster('app', registry, new UpstreamCounts(10).acquire('app'));
    cluster.update([resource(1), resource(2)]);
    expect(picks(cluster, 2)).toEqual([1, 1]);
    registry.override(key(1), 'out');
    expect(cluster.variant().pick([], SUBJECT)).toBeNull();
    registry.override(key(1), null);
    registry.override(key(2), null);
    expect(picks(cluster, 2).sort()).toEqual([1, 2]);
  });

  test('brings an endpoint in, whatever its health', () => {
    const registry = registryOf();
    const cluster = new Cluster('app', registry, new UpstreamCounts(10).acquire('app'));
    cluster.update([resource(1), resource(2), resource(3, true)]);
    endpointOf(cluster, 1).connectFailed();
    registry.override(key(1), 'in');
    registry.override(key(3), 'in');
    expect(picks(cluster, 3).sort()).toEqual([1, 2, 3]);
  });
});

describe('variants', () => {
  test('with equal settings are one object, and the standard variant stays', () => {
    const cluster = clusterOf(1);
    const settings = structuredClone(STANDARD);
    expect(cluster.variant(settings)).toBe(cluster.variant());
    cluster.retire(cluster.variant());
    expect([...cluster.variants]).toEqual([cluster.variant(settings)]);
  });
});
