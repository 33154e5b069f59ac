// How long a cluster lives: as long as a route names it or it has endpoints, in whatever order those come and go.
import { expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { backend, route, streamBackend, streamRoute } from '../../test/support/proxy.ts';
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
  });
  return { map: new ClusterMap({ registry, counts: new UpstreamCounts(10), made: ({ key }) => told.push(key) }), told };
}

/** Takes a route as the builder does. */
function take(map: ClusterMap, next: ir.Route | ir.StreamRoute | undefined, previous?: ir.Route | ir.StreamRoute): void {
  for (const { cluster } of next?.backends ?? []) if (cluster !== null) map.get(cluster);
  map.use(next, previous);
  map.sweep();
}

test('a key has one cluster, and its maker is told of it once', () => {
  const { map, told } = clusters();
  expect(map.get(APP)).toBe(map.get(APP));
  expect(told).toEqual([APP]);
});

test('a cluster that no route names and that has no endpoints is forgotten', () => {
  const { map } = clusters();
  map.get(APP);
  map.sweep();
  expect([...map.all.keys()]).toEqual([]);
});

test('a cluster stays while a route names it, the same without endpoints', () => {
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

test('a cluster stays while it has endpoints, for routes that come later', () => {
  const { map } = clusters();
  const cluster = map.get(APP);
  cluster.update([ENDPOINT]);
  map.sweep();
  take(map, route());
  expect(map.get(APP)).toBe(cluster);
});

test('a route that changes gives up what it named before, and another that names it keeps it', () => {
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

test('mirrors and backends of stream routes count as named', () => {
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
