// The choice among the endpoints of a cluster: the rotation, the effect of failed attempts, and the avoided endpoints.
import { expect, test } from '@jest/globals';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import { Cluster } from './cluster.ts';
import { EndpointRegistry } from './endpoint.ts';
import type { Endpoint, EndpointPool } from './endpoint.ts';

const POOL: EndpointPool = {
  counts: { open: 0, idle: 0, pending: 0, slow: 0 },
  send: () => undefined,
  forget: () => undefined,
  close: () => undefined,
};

function clusterOf(...ports: readonly number[]): Cluster {
  const cluster = new Cluster('app', new EndpointRegistry(() => POOL), new UpstreamCounts(10).acquire('app'));
  cluster.update(ports.map((port) => ({ address: '10.0.0.1', port, draining: false })));
  return cluster;
}

function endpointOf(cluster: Cluster, port: number): Endpoint {
  return cluster.endpoints.find((endpoint) => endpoint.port === port) as Endpoint;
}

function picks(cluster: Cluster, times: number): number[] {
  return Array.from({ length: times }, () => cluster.pick([])?.port ?? 0);
}

test('endpoints take turns', () => {
  const cluster = clusterOf(1, 2, 3);
  expect(picks(cluster, 3).sort()).toEqual([1, 2, 3]);
  expect(picks(cluster, 3).sort()).toEqual([1, 2, 3]);
});

test('another attempt takes another endpoint and does not advance the rotation', () => {
  const cluster = clusterOf(1, 2, 3);
  const [first, second, third] = picks(cluster, 3);
  const failed = endpointOf(cluster, first as number);
  expect(cluster.pick([failed])?.port).toBe(second);
  expect(cluster.pick([failed])?.port).toBe(second);
  expect(picks(cluster, 3)).toEqual([first, second, third]);
});

test('an attempt that tried all endpoints gets one of them again', () => {
  const cluster = clusterOf(1);
  expect(cluster.pick([endpointOf(cluster, 1)])?.port).toBe(1);
});

test('an endpoint that refuses connections is avoided, and its turns rotate among the others', () => {
  const cluster = clusterOf(1, 2, 3);
  endpointOf(cluster, 2).connectFailed();
  const taken = picks(cluster, 8);
  expect(taken.filter((port) => port === 1).length).toBe(4);
  expect(taken.filter((port) => port === 3).length).toBe(4);
  endpointOf(cluster, 2).connected(1);
  expect(picks(cluster, 3).sort()).toEqual([1, 2, 3]);
});

test('if all endpoints refuse connections, all are used', () => {
  const cluster = clusterOf(1, 2);
  for (const endpoint of cluster.endpoints) endpoint.connectFailed();
  expect(picks(cluster, 2).sort()).toEqual([1, 2]);
  expect(cluster.pick([endpointOf(cluster, 1)])?.port).toBe(2);
});

test('failures at the same time count once, later ones double the time', () => {
  const cluster = clusterOf(1);
  const endpoint = endpointOf(cluster, 1);
  endpoint.connectFailed();
  const until = endpoint.avoidedUntil;
  endpoint.connectFailed();
  expect(endpoint.avoidedUntil).toBe(until);
  expect(cluster.counts.endpoints.get(endpoint)?.connectFailures).toBe(2);
  endpoint.avoidedUntil = 1;
  endpoint.connectFailed();
  expect(endpoint.avoidedUntil - performance.now()).toBeGreaterThan(3_000);
});

test('results of connections count for every cluster with the endpoint, and for no cluster without it', () => {
  const [registry, counts] = [new EndpointRegistry(() => POOL), new UpstreamCounts(10)];
  const [one, two] = ['one', 'two'].map((key) => new Cluster(key, registry, counts.acquire(key))) as [Cluster, Cluster];
  const shared = [{ address: '10.0.0.1', port: 1, draining: false }];
  one.update(shared);
  two.update(shared);
  const endpoint = endpointOf(one, 1);
  endpoint.connected(3);
  endpoint.connectFailed();
  one.update([]);
  endpoint.connected(3);
  expect([one, two].map((cluster) => cluster.counts.connect.total)).toEqual([1, 2]);
  expect(one.counts.endpoints.size).toBe(0);
  expect(two.counts.endpoints.get(endpoint)?.connectFailures).toBe(1);
});
