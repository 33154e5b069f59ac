// Batches of resources become runtimes: swapped as a whole, and only the parts that depend on a change are rebuilt.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { backend, cluster, listener, LISTENER_PORT, route } from '../../test/support/proxy.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { EndpointRegistry } from '../cluster/endpoint.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import type { Filter, FilterKind } from '../filter/filter.ts';
import { FilterPool } from '../filter/filter-pool.ts';
import type { ListenerProblem } from '../listener/problem.ts';
import { RuntimeBuilder } from './build.ts';

const APP = 'Service/default/app/80';

/** A builder with fake listeners; `bound` has the keys of each binding. */
function builder(
  problems: readonly ListenerProblem[] = [],
  kinds?: readonly FilterKind[],
): { readonly built: RuntimeBuilder; readonly bound: string[][] } {
  const filters = new FilterPool({} as never, kinds);
  const bound: string[][] = [];
  const endpoints = new EndpointRegistry(() => {
    throw new Error('nothing is sent');
  }, new TimerWheel());
  const listeners = {
    update: (all: readonly ir.Listener[]) => {
      bound.push(all.map(({ key }) => key));
      return Promise.resolve(problems);
    },
    spokenAt: () => null,
  };
  return {
    built: new RuntimeBuilder({ limits: DEFAULT_LIMITS, endpoints, counts: new UpstreamCounts(10), filters, listeners }),
    bound,
  };
}

/** Keys of the routes that a runtime finds for `/`. */
function keysAt({ current }: Pick<RuntimeBuilder, 'current'>): string[] {
  const table = current.tables.get(LISTENER_PORT);
  const request = { method: 'GET', host: 'a', path: '/', query: '', headers: [], listener: '' };
  const own = { authority: 'a', contentLength: -1, expect: '', askedUpgrade: '' };
  const found = table?.find({ ...request, own } as never);
  return found === null || found === undefined ? [] : [found.route.key];
}

describe('a batch', () => {
  test('is served when apply returns, before listeners are bound', async () => {
    const { built } = builder();
    const applied = built.apply([listener(), ...cluster('app', [81]), route()], []);
    expect(keysAt(built)).toEqual([route().key]);
    expect(await applied).toEqual([]);
  });

  test('does not change the previous runtime', async () => {
    const { built } = builder();
    await built.apply([listener(), route()], []);
    const before = built.current;
    await built.apply([], [{ kind: 'Route', key: route().key }]);
    expect(built.current.version).toBe(before.version + 1);
    expect(keysAt(built)).toEqual([]);
    expect(keysAt({ current: before })).toEqual([route().key]);
  });

  test('may have routes before their listener', async () => {
    const { built } = builder();
    await built.apply([route()], []);
    await built.apply([listener()], []);
    expect(keysAt(built)).toEqual([route().key]);
  });

  test('of endpoints changes no runtime and no cluster', async () => {
    const { built, bound } = builder();
    await built.apply([listener(), ...cluster('app', [81]), route()], []);
    const [runtime, app] = [built.current, built.cluster(APP)];
    await built.apply([{ kind: 'Endpoints', key: APP, endpoints: [{ address: '10.0.0.9', port: 80, draining: false }] }], []);
    expect([built.current, built.cluster(APP)]).toEqual([runtime, app]);
    expect(built.current).toBe(runtime);
    expect(app.endpoints.map(({ address }) => address)).toEqual(['10.0.0.9']);
    expect(bound).toHaveLength(1);
  });

  test('that changes a protocol keeps the cluster with another transport', async () => {
    const { built } = builder();
    await built.apply([...cluster('app', [81]), route()], []);
    const app = built.cluster(APP);
    await built.apply([{ kind: 'Cluster', key: APP, protocol: 'http2' }], []);
    expect(built.cluster(APP)).toBe(app);
    expect(app.transport.protocol).toBe('http2');
  });

  test('binds listeners only if listeners, certificates or policies change', async () => {
    const { built, bound } = builder();
    await built.apply([listener()], []);
    await built.apply([route(), ...cluster('app', [81])], []);
    expect(bound).toEqual([['default/gateway/http']]);
    await built.apply([{ kind: 'Secret', key: 'default/cert', certificate: '', privateKey: '' }], []);
    await built.apply([], [{ kind: 'Listener', key: 'default/gateway/http' }]);
    expect(bound.slice(1)).toEqual([['default/gateway/http'], []]);
  });

  test('that removes the last route of a cluster without endpoints removes the cluster', async () => {
    const { built } = builder();
    await built.apply([route({ backends: [backend('app'), backend('next')] }), ...cluster('next', [81])], []);
    expect([...built.clusters.keys()].sort()).toEqual([APP, 'Service/default/next/80']);
    await built.apply([], [{ kind: 'Route', key: route().key }]);
    expect([...built.clusters.keys()]).toEqual(['Service/default/next/80']);
    await built.apply([], [{ kind: 'Endpoints', key: 'Service/default/next/80' }]);
    expect([...built.clusters.keys()]).toEqual([]);
  });
});

describe('refused resources', () => {
  test('are reported by route and field, and the rest is served', async () => {
    const { built } = builder();
    const broken = route({
      name: 'broken',
      matches: [{ path: { type: 'RegularExpression', value: '(' }, method: null, headers: [], queryParams: [] }],
    });
    const errors = await built.apply([listener(), broken, route()], []);
    expect(errors).toEqual([expect.objectContaining({ kind: 'Route', key: broken.key, field: expect.stringContaining('path') })]);
    expect(keysAt(built)).toEqual([route().key]);
  });

  test('that are listeners are reported with their reason', async () => {
    const { built } = builder([{ listener: 'default/gateway/http', reason: 'AddressInUse', message: 'taken' }]);
    expect(await built.apply([listener()], [])).toEqual([
      { kind: 'Listener', key: 'default/gateway/http', field: '', reason: 'AddressInUse: taken' },
    ]);
  });
});

describe('a filter of a policy', () => {
  /** Counts the filters that are made and those that have ended. */
  function countingKind(): { readonly kind: FilterKind; readonly made: Filter[]; ended: () => number } {
    const made: Filter[] = [];
    let ended = 0;
    const kind: FilterKind = {
      name: 'Counted',
      ofPolicies: (policies) =>
        policies.filterOf('BackendTrafficPolicy', ['timeouts'], () => {
          made.push({ name: 'Counted', request: () => 'continue', dispose: () => void ended++ });
          return made.at(-1) as Filter;
        }),
    };
    return { kind, made, ended: () => ended };
  }

  const policy = (name: string, settings: Record<string, unknown>): ir.Policy => ({
    ...{ kind: 'Policy', key: `BackendTrafficPolicy/default/${name}`, policyKind: 'BackendTrafficPolicy', namespace: 'default', name },
    createdAt: 0,
    targets: [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '' }],
    settings,
  });

  const timeouts = policy('all', { timeouts: { request: 1000 } });

  test('outlives changes of routes, backends and other settings, and ends with its settings', async () => {
    const { kind, made, ended } = countingKind();
    const { built } = builder([], [kind]);
    const other = route({ name: 'other', key: 'HTTPRoute/default/other/0' });
    await built.apply([listener(), ...cluster('app', [81]), route(), other, timeouts], []);
    await built.apply([route({ backends: [backend('app', 2)] }), ...cluster('app', [82])], []);
    await built.apply([{ ...timeouts, settings: { ...timeouts.settings, protocol: 'HTTP2' } }], []);
    await built.apply([], [{ kind: 'Route', key: other.key }]);
    expect([made.length, ended()]).toEqual([1, 0]);
    await built.apply([policy('all', { timeouts: { request: 2000 } })], []);
    expect([made.length, ended()]).toEqual([2, 1]);
    await built.apply([], [{ kind: 'Route', key: route().key }]);
    expect([made.length, ended()]).toEqual([2, 2]);
  });

  test('survives the replacement of its only route', async () => {
    const { kind, made, ended } = countingKind();
    const { built } = builder([], [kind]);
    await built.apply([listener(), route(), timeouts], []);
    await built.apply([route({ name: 'next', key: 'HTTPRoute/default/next/0' })], [{ kind: 'Route', key: route().key }]);
    expect([made.length, ended()]).toEqual([1, 0]);
  });
});
