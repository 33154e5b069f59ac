// The effect of ejections on the choice among the endpoints of a cluster: caps, distinct settings, and latencies that stand out.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import { UpstreamCounts } from '../../exchange/upstream-counts.ts';
import { Cluster } from '../cluster.ts';
import { EndpointRegistry } from '../endpoint.ts';
import type { Endpoint, EndpointPool } from '../endpoint.ts';
import { STANDARD } from '../settings.ts';
import type { ClusterVariant } from '../variant.ts';
import type { OutlierSettings } from './outlier-settings.ts';
import { STANDARD_OUTLIERS } from './outlier-settings.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const POOL: EndpointPool = {
  counts: { open: 0, idle: 0, pending: 0, slow: 0 },
  send: () => undefined,
  forget: () => undefined,
  close: () => undefined,
};
const SUBJECT = { clientAddress: '192.0.2.1', requestHeaders: [], query: '' };

function clusterIn(registry: EndpointRegistry, ports: readonly number[]): Cluster {
  const cluster = new Cluster('app', registry, new UpstreamCounts(100).acquire('app'));
  cluster.update(ports.map((port) => ({ address: '10.0.0.1', port, draining: false })));
  return cluster;
}

function registryOf(): EndpointRegistry {
  return new EndpointRegistry(() => POOL, new TimerWheel());
}

function clusterOf(count: number): Cluster {
  return clusterIn(
    registryOf(),
    Array.from({ length: count }, (_, index) => index + 1),
  );
}

function variantOf(cluster: Cluster, changes: Partial<OutlierSettings> | null = {}): ClusterVariant {
  const outliers = changes === null ? null : { ...STANDARD_OUTLIERS, ...changes };
  const variant = cluster.variant({ ...STANDARD, outliers });
  variant.pick([], SUBJECT);
  return variant;
}

/** The ports that many picks choose. */
function used(variant: ClusterVariant): number[] {
  const ports = Array.from({ length: 100 }, () => variant.pick([], SUBJECT)?.port ?? 0);
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** Ends attempts of a variant at an endpoint, a millisecond after each other. */
function answer(variant: ClusterVariant, endpoint: Endpoint, status: number, times: number, ms = 1): void {
  for (let count = 0; count < times; count++) {
    jest.advanceTimersByTime(1);
    const now = performance.now();
    const attempt = {
      status,
      headers: [],
      exchange: { grpc: false },
      endpoint,
      sentAt: now - ms,
      headAt: now,
      endedAt: now,
      waitingSince: 0,
    };
    variant.attemptEnded(attempt as unknown as Attempt, 'answered', null);
  }
}

function fail(variant: ClusterVariant, cluster: Cluster, ports: readonly number[]): void {
  for (const port of ports)
    answer(
      variant,
      cluster.endpoints.find((endpoint) => endpoint.port === port)!,
      500,
      5,
    );
}

describe('the cap', () => {
  test.each([
    [4, 50, [1, 2, 3, 4], [3, 4]],
    [4, 50, [1], [2, 3, 4]],
    [3, 50, [3, 2], [1, 2]],
    [10, 10, [1, 2], [2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [5, 10, [1, 2], [2, 3, 4, 5]],
    [3, 100, [1, 2, 3], [3]],
    [2, 50, [2, 1], [1]],
    [1, 100, [1], [1]],
  ])('%d endpoints, %d %%, failing %j: uses %j', (count, maxEjectionPercent, failing, expected) => {
    const cluster = clusterOf(count);
    const variant = variantOf(cluster, { maxEjectionPercent });
    fail(variant, cluster, failing);
    expect(used(variant)).toEqual(expected);
  });

  test('leaves room for the next ejection when the oldest ends', () => {
    const cluster = clusterOf(2);
    const variant = variantOf(cluster);
    fail(variant, cluster, [1]);
    jest.advanceTimersByTime(5_000);
    fail(variant, cluster, [2]);
    expect(used(variant)).toEqual([2]);
    jest.advanceTimersByTime(5_200);
    expect(used(variant)).toEqual([1]);
  });
});

test('attempts of all rules count, each use follows its own settings, and a use without them uses all', () => {
  const cluster = clusterOf(3);
  const [strict, lax, off] = [variantOf(cluster, { consecutive5xx: 2 }), variantOf(cluster), variantOf(cluster, null)];
  const [first] = cluster.endpoints as [Endpoint];
  answer(off, first, 500, 1);
  answer(lax, first, 500, 1);
  expect([strict, lax, off].map(used)).toEqual([
    [2, 3],
    [1, 2, 3],
    [1, 2, 3],
  ]);
  answer(strict, first, 500, 3);
  expect([strict, lax, off].map(used)).toEqual([
    [2, 3],
    [2, 3],
    [1, 2, 3],
  ]);
});

test('an ejection holds for every cluster with the endpoint and the same detection', () => {
  const registry = registryOf();
  const [one, two] = [clusterIn(registry, [1, 2]), clusterIn(registry, [2, 3])];
  const [first, second] = [variantOf(one), variantOf(two)];
  fail(first, one, [2]);
  expect([used(first), used(second)]).toEqual([[1], [3]]);
});

test('a retired use and one that was never used need no detection', () => {
  const cluster = clusterOf(2);
  cluster.variant();
  const strict = variantOf(cluster, { consecutive5xx: 1 });
  expect(cluster.detections.map(({ consecutive5xx }) => consecutive5xx)).toEqual([1]);
  cluster.retire(strict);
  expect(cluster.detections).toEqual([]);
});

test('an ejection outlives an update of the endpoints, and one of another worker comes before its endpoint', () => {
  const registry = registryOf();
  const cluster = clusterIn(registry, [1, 2]);
  const variant = variantOf(cluster);
  fail(variant, cluster, [1]);
  cluster.update([1, 2, 3].map((port) => ({ address: '10.0.0.1', port, draining: false })));
  expect(used(variant)).toEqual([2, 3]);
  const told: [string, unknown][] = [];
  const other = new EndpointRegistry(() => POOL, new TimerWheel(), {
    ejection: (key, notice) => void told.push([key, notice]),
    tripped: () => undefined,
  });
  const source = clusterIn(other, [1, 2]);
  fail(variantOf(source), source, [1]);
  const late = registryOf();
  for (const [key, notice] of told) late.ejected(key, notice as never);
  expect(used(variantOf(clusterIn(late, [1, 2])))).toEqual([2]);
});

describe('latency', () => {
  const latency = { latency: { factor: 3, minRequests: 10 }, interval: 1_000 };

  function measured(ms: readonly number[], requests = 20): number[] {
    const cluster = clusterOf(ms.length);
    const variant = variantOf(cluster, latency);
    for (let round = 0; round < requests; round++)
      cluster.endpoints.forEach((endpoint, index) => answer(variant, endpoint, 200, 1, ms[index]));
    jest.advanceTimersByTime(600);
    answer(variant, cluster.endpoints[0]!, 200, 1, ms[0]);
    return used(variant);
  }

  test.each([
    ['far above the median is ejected', [10, 10, 100], [1, 2]],
    ['near the median is not', [10, 15, 25], [1, 2, 3]],
    ['far above a tiny median is noise', [0.1, 0.1, 3], [1, 2, 3]],
    ['of two endpoints says nothing', [10, 1_000], [1, 2]],
    ['of two slow endpoints of four is capped', [10, 10, 100, 100], [1, 2]],
  ])('%s', (_, ms, expected) => {
    expect(measured(ms)).toEqual(expected);
  });

  test('of too few requests says nothing', () => {
    expect(measured([10, 10, 100], 5)).toEqual([1, 2, 3]);
  });
});
