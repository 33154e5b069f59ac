// The lifetime of a cluster: while a route refers to it or it has endpoints, in any order of changes.
import { expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { backend, route, streamBackend, streamRoute } from '../../test/support/proxy.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { EndpointRegistry } from '../cluster/endpoint.ts';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import { ClusterMap } from './cluster-map.ts';

const APP = 'Service/default/app/80';
const COPY = 'Service/default/copy/80';
const ENDPOINT = { address: '10.0.0.1', port: 80, draining: false };

function clusters(): { readonly map: ClusterMap; readonly told: string[] } {
  const told: string[] = [];
  const registry = new EndpointRegistry(() => {
    throw new Error('nothing is sent');
  }, new TimerWheel());
  return { map: new ClusterMap({ registry, counts: new UpstreamCounts(10), made: ({ key }) => told.push(key) }), told };
}

/** Adds a route as the builder does. */
function take(map: ClusterMap, next: ir.Route | ir.StreamRoute | undefined, previous?: ir.Route | ir.StreamRoute): void {
  for (const { cluster } of next?.backends ?? []) if (cluster !== null) map.get(cluster);
  map.use(next, previous);
  map.sweep();
}

test('a key has one cluster, and the callback runs once', () => {
  const { map, told } = clusters();
  expect(map.get(APP)).toBe(map.get(APP));
  expect(told).toEqual([APP]);
});

test('a cluster without routes and endpoints is removed', () => {
  const { map } = clusters();
  map.get(APP);
  map.sweep();
  expect([...map.all.keys()]).toEqual([]);
});

test('a cluster stays while a route refers to it, the same object without endpoints', () => {
  const { map } = clusters();
  const named = route();
  take(map, named);
  const cluster = map.get(APP);
  cluster.update([ENDPOINT]);
  cluster.update([]);
  map.sweep();
  expect(map.get(APP)).toBe(cluster);
  take(map, undefined, named);
  expect([...map.all.keys()]).toEqual([]);
});

test('a cluster stays while it has endpoints, for later routes', () => {
  const { map } = clusters();
  const cluster = map.get(APP);
  cluster.update([ENDPOINT]);
  map.sweep();
  take(map, route());
  expect(map.get(APP)).toBe(cluster);
});

test('a changed route releases its former clusters, and other routes keep them', () => {
  const { map } = clusters();
  const [first, second] = [route({ name: 'first' }), route({ name: 'second' })];
  take(map, first);
  take(map, second);
  const moved = route({ name: 'first', backends: [backend('next')] });
  take(map, moved, first);
  expect([...map.all.keys()].sort()).toEqual([APP, 'Service/default/next/80']);
  take(map, undefined, second);
  expect([...map.all.keys()]).toEqual(['Service/default/next/80']);
});

test('mirrors and backends of stream routes count as references', () => {
  const { map } = clusters();
  const mirror: ir.Filter = { type: 'RequestMirror', cluster: COPY, numerator: 1, denominator: 1 } as ir.Filter;
  map.get(COPY);
  const mirrored = route({ filters: [mirror] });
  take(map, mirrored);
  const stream = streamRoute({ backends: [streamBackend('db')] });
  take(map, stream);
  expect([...map.all.keys()].sort()).toEqual([APP, COPY, 'Service/default/db/80']);
  take(map, undefined, mirrored);
  take(map, undefined, stream);
  expect([...map.all.keys()]).toEqual([]);
});
