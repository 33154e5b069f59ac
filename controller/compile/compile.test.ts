import { readFileSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { Store } from '../snapshot/store.ts';
import { clusterUnit } from './backend.ts';
import { Compiler } from './compile.ts';
import type { Change } from '../watch/event.ts';
import type { CompileDelta } from './result.ts';
import {
  CONTROLLER,
  endpointSlice,
  gateway,
  gatewayClass,
  grpcRoute,
  httpRoute,
  listenerSet,
  namespace,
  referenceGrant,
  remove,
  service,
  tlsSecret,
  upsert,
} from './testdata/objects.ts';

const HTTP = { name: 'http', port: 80, protocol: 'HTTP' };
const PARENT = { parentRefs: [{ name: 'web' }] };

function compilerWith(...objects: readonly KubernetesObject[]): Compiler {
  const compiler = new Compiler({ controllerName: CONTROLLER });
  const delta = compiler.apply(objects.map(upsert));
  expect(delta).toMatchObject({ faults: [], rejected: [] });
  return compiler;
}

function app(index: number, spec: Record<string, unknown> = {}): KubernetesObject {
  return httpRoute('infra', `app-${index}`, { ...PARENT, rules: [{ backendRefs: [{ name: 'app', port: 80 }] }], ...spec });
}

function tls(name: string): readonly [string, string] {
  const read = (extension: string) => readFileSync(new URL(`testdata/tls/${name}.${extension}`, import.meta.url), 'utf8');
  return [read('crt'), read('key')];
}

/** The content of a delta, by name. */
function summary(delta: CompileDelta) {
  expect(delta.faults).toEqual([]);
  return {
    changed: delta.changed.map(({ kind, key }) => `${kind} ${key}`),
    removed: delta.removed.map(({ kind, key }) => `${kind} ${key}`),
    statuses: delta.statuses.map(({ ref }) => `${ref.kind} ${ref.name}`),
    recompiled: delta.recompiled,
  };
}

const NOTHING = { changed: [], removed: [], statuses: [], recompiled: 0 };

describe('a change costs what it affects', () => {
  const COUNT = 5_000;
  const compiler = compilerWith(
    gatewayClass(),
    gateway('web', [HTTP]),
    service('infra', 'app'),
    service('infra', 'other'),
    endpointSlice('infra', 'app', '1', ['10.0.0.1']),
    ...Array.from({ length: COUNT }, (_, i) => app(i)),
  );

  test('a changed route is one unit', () => {
    const delta = compiler.apply([upsert(app(7, { hostnames: ['seven.example.com'] }))]);
    expect(summary(delta)).toEqual({ ...NOTHING, changed: ['Route HTTPRoute/infra/app-7/0'], recompiled: 1 });
  });

  test('a new route is one unit, and the status of its Gateway another', () => {
    const delta = compiler.apply([upsert(app(COUNT))]);
    expect(summary(delta)).toEqual({
      changed: [`Route HTTPRoute/infra/app-${COUNT}/0`],
      removed: [],
      statuses: ['Gateway web', `HTTPRoute app-${COUNT}`],
      recompiled: 2,
    });
  });

  test('a deleted route recompiles the status of its Gateway', () => {
    const delta = compiler.apply([remove(app(COUNT))]);
    expect(summary(delta)).toEqual({
      changed: [],
      removed: [`Route HTTPRoute/infra/app-${COUNT}/0`],
      statuses: ['Gateway web'],
      recompiled: 1,
    });
    expect(delta.forgotten).toEqual([{ kind: 'HTTPRoute', namespace: 'infra', name: `app-${COUNT}` }]);
  });

  test('a route with a new backend adds its cluster and endpoints', () => {
    const delta = compiler.apply([upsert(app(1, { rules: [{ backendRefs: [{ name: 'other', port: 80 }] }] }))]);
    expect(summary(delta)).toEqual({
      changed: ['Endpoints Service/infra/other/80', 'Cluster Service/infra/other/80', 'Route HTTPRoute/infra/app-1/0'],
      removed: [],
      statuses: [],
      recompiled: 3,
    });
  });

  test('and removes them with the last reference', () => {
    const delta = compiler.apply([upsert(app(1))]);
    expect(summary(delta)).toMatchObject({
      removed: ['Endpoints Service/infra/other/80', 'Cluster Service/infra/other/80'],
      recompiled: 1,
    });
  });

  test('pod churn recompiles endpoints only', () => {
    const delta = compiler.apply([upsert(endpointSlice('infra', 'app', '1', ['10.0.0.1', '10.0.0.2']))]);
    expect(summary(delta)).toEqual({ ...NOTHING, changed: ['Endpoints Service/infra/app/80'], recompiled: 1 });
  });

  test('a Service change that routes do not depend on recompiles no route', () => {
    const delta = compiler.apply([upsert(service('infra', 'app', { ports: [{ port: 80 }, { port: 81, name: 'more' }] }))]);
    expect(summary(delta)).toEqual({ ...NOTHING, recompiled: 2 });
  });

  test('objects without references recompile nothing', () => {
    const delta = compiler.apply([
      upsert(service('infra', 'unused')),
      upsert(endpointSlice('infra', 'unused', '1', ['10.0.0.1'])),
      upsert(namespace('infra', { team: 'blue' })),
      upsert(referenceGrant('infra', 'all', 'elsewhere', 'Service')),
    ]);
    expect(summary(delta)).toEqual(NOTHING);
  });

  test('changes of status, managedFields and resourceVersion are ignored', () => {
    const route = app(3);
    const metadata = { ...route.metadata, resourceVersion: '42', managedFields: [{ manager: 'x' }], annotations: { a: 'b' } };
    const noisy = { ...route, metadata, status: { parents: [{}] } } as KubernetesObject;
    expect(summary(compiler.apply([upsert(noisy)]))).toEqual(NOTHING);
  });

  test('a Gateway with unchanged listeners recompiles no route', () => {
    const web = gateway('web', [HTTP]);
    const delta = compiler.apply([upsert({ ...web, metadata: { ...web.metadata, generation: 2 } })]);
    expect(summary(delta)).toEqual({ ...NOTHING, statuses: ['Gateway web'], recompiled: 5 });
  });

  test('a changed listener recompiles the routes that may attach to it', () => {
    const delta = compiler.apply([upsert(gateway('web', [{ ...HTTP, hostname: '*.example.com' }]))]);
    expect(delta.recompiled).toBe(COUNT + 5);
    expect(delta.changed).toHaveLength(COUNT);
  });
});

describe('a GRPCRoute beside many HTTPRoutes', () => {
  const COUNT = 2_000;
  const young = (route: KubernetesObject) => ({ ...route, metadata: { ...route.metadata, creationTimestamp: '2026-01-02T00:00:00Z' } });
  const compiler = compilerWith(
    gatewayClass(),
    gateway('web', [HTTP]),
    ...Array.from({ length: COUNT }, (_, i) => app(i, { hostnames: [`app-${i}.example.com`] })),
    young(grpcRoute('infra', 'grpc', { ...PARENT, hostnames: ['grpc.example.com', '*.grpc.example.com'] })),
  );

  /** The expected status of the GRPCRoute, with this Accepted. */
  const accepted = (status: string) => {
    const conditions = expect.arrayContaining([expect.objectContaining({ type: 'Accepted', status })]);
    return expect.objectContaining({
      ref: expect.objectContaining({ kind: 'GRPCRoute' }),
      parents: [expect.objectContaining({ conditions })],
    });
  };

  test('does not recompile HTTPRoutes with other hosts', () => {
    expect(compiler.apply([upsert(app(7, { hostnames: ['seven.example.com'] }))])).toMatchObject({ recompiled: 1 });
  });

  test.each(['grpc.example.com', 'a.grpc.example.com', '*.example.com'])('loses %s to an older HTTPRoute', (hostname) => {
    const taken = compiler.apply([upsert(app(8, { hostnames: [hostname] }))]);
    expect(taken.statuses).toContainEqual(accepted('False'));
    const back = compiler.apply([upsert(app(8, { hostnames: ['eight.example.com'] }))]);
    expect(back.statuses).toContainEqual(accepted('True'));
  });
});

describe('a ListenerSet costs what it affects', () => {
  const COUNT = 500;
  const listeners = (i: number) => [{ name: 'http', port: 80, protocol: 'HTTP', hostname: `set-${i}.example.com` }];
  const set = (i: number, name = `set-${i}`) => listenerSet('apps', name, 'web', listeners(i));
  const compiler = compilerWith(
    gatewayClass(),
    gateway('web', [{ ...HTTP, hostname: 'web.example.com' }], 'weir', { allowedListeners: { namespaces: { from: 'All' } } }),
    ...Array.from({ length: COUNT }, (_, i) => set(i)),
    ...Array.from({ length: COUNT }, (_, i) => httpRoute('apps', `app-${i}`, { parentRefs: [{ kind: 'ListenerSet', name: `set-${i}` }] })),
  );

  test('a changed set recompiles itself, its route and the conflicts', () => {
    const moved = listenerSet('apps', 'set-7', 'web', [{ name: 'http', port: 80, protocol: 'HTTP', hostname: 'seven.example.com' }]);
    expect(summary(compiler.apply([upsert(moved)]))).toEqual({
      changed: ['Listener infra/web/apps/set-7/http', 'Route HTTPRoute/apps/app-7/0'],
      removed: [],
      statuses: [],
      recompiled: 6,
    });
  });

  test('a set that loses a host to another recompiles only itself', () => {
    expect(summary(compiler.apply([upsert(set(8, 'a-new-one'))]))).toMatchObject({
      changed: ['Listener infra/web/apps/a-new-one/http', 'Listener infra/web/apps/set-8/http'],
      removed: ['Route HTTPRoute/apps/app-8/0'],
      statuses: ['HTTPRoute app-8', 'ListenerSet a-new-one', 'ListenerSet set-8'],
    });
  });
});

describe('Secrets', () => {
  const https = { name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } };
  const cert = upsert(tlsSecret('infra', 'cert', ...tls('a')));

  function unreadable(reason: string): Change {
    return { type: 'unreadable', ref: { kind: 'Secret', namespace: 'infra', name: 'cert' }, reason };
  }

  test('with references are listed, existing or not', () => {
    const compiler = compilerWith(gatewayClass(), gateway('web', [https]), tlsSecret('infra', 'other', ...tls('a')));
    expect([...compiler.wanted.Secret]).toEqual(['Secret/infra/cert']);
    compiler.apply([remove(gateway('web', []))]);
    expect([...compiler.wanted.Secret]).toEqual([]);
  });

  test('added later produce the same output as from the start', () => {
    const inOneGo = compilerWith(gatewayClass()).apply([upsert(gateway('web', [https])), cert]);
    const compiler = compilerWith(gatewayClass());
    compiler.take([upsert(gateway('web', [https]))]);
    compiler.take([cert]);
    expect({ ...compiler.flush(), recompiled: 0 }).toEqual({ ...inOneGo, recompiled: 0 });
  });

  test('that cannot be read are not reported as absent, and can be deleted', () => {
    const compiler = compilerWith(gatewayClass(), gateway('web', [https]), tlsSecret('infra', 'cert', ...tls('a')));
    const delta = compiler.apply([unreadable('nobody may')]);
    expect(summary(delta)).toMatchObject({
      changed: ['Listener infra/web/https'],
      removed: ['Secret infra/cert'],
      statuses: ['Gateway web'],
    });
    expect(JSON.stringify(delta.statuses)).toContain('Secret/infra/cert cannot be read: nobody may');
    expect(summary(compiler.apply([unreadable('nobody may')]))).toEqual(NOTHING);
    const gone = compiler.apply([remove(tlsSecret('infra', 'cert', '', ''))]);
    expect(JSON.stringify(gone.statuses)).toContain('Secret/infra/cert does not exist');
    expect(summary(compiler.apply([cert])).changed).toEqual(['Secret infra/cert', 'Listener infra/web/https']);
  });
});

describe('dependencies', () => {
  test('a rotated certificate recompiles only its Secret', () => {
    const https = { name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } };
    const compiler = compilerWith(gatewayClass(), gateway('web', [https]), tlsSecret('infra', 'cert', ...tls('a')), app(1));
    const delta = compiler.apply([upsert(tlsSecret('infra', 'cert', ...tls('b')))]);
    expect(summary(delta)).toEqual({ ...NOTHING, changed: ['Secret infra/cert'], recompiled: 1 });
  });

  test('the labels of a namespace recompile only routes that a label selector applies to', () => {
    const selecting = { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'blue' } } } };
    const compiler = compilerWith(
      gatewayClass(),
      gateway('web', [HTTP, { ...HTTP, name: 'blue', port: 81, allowedRoutes: selecting }]),
      app(1, { parentRefs: [{ name: 'web', sectionName: 'http' }] }),
      app(2, { parentRefs: [{ name: 'web', sectionName: 'blue' }] }),
    );
    const delta = compiler.apply([upsert(namespace('infra', { team: 'blue' }))]);
    expect(summary(delta)).toMatchObject({ changed: ['Route HTTPRoute/infra/app-2/0'], recompiled: 2 });
  });

  test('an object that was missing recompiles its readers when it appears', () => {
    const compiler = compilerWith(gatewayClass(), app(1));
    const delta = compiler.apply([upsert(gateway('web', [HTTP]))]);
    expect(summary(delta).changed).toEqual(['Listener infra/web/http', 'Route HTTPRoute/infra/app-1/0']);
    expect(summary(compiler.apply([upsert(service('infra', 'app'))])).changed).toEqual([
      'Endpoints Service/infra/app/80',
      'Cluster Service/infra/app/80',
      'Route HTTPRoute/infra/app-1/0',
    ]);
  });

  test('a ReferenceGrant permits a reference as long as it exists', () => {
    const grant = referenceGrant('other', 'grant', 'infra', 'Service');
    const far = app(1, { rules: [{ backendRefs: [{ name: 'far', namespace: 'other', port: 80 }] }] });
    const compiler = compilerWith(gatewayClass(), gateway('web', [HTTP]), service('other', 'far'), far);
    expect(summary(compiler.apply([upsert(grant)])).changed).toContain('Cluster Service/other/far/80');
    expect(summary(compiler.apply([remove(grant)])).removed).toContain('Cluster Service/other/far/80');
  });

  test('a Gateway that moves to another class is removed, with its listeners and routes', () => {
    const compiler = compilerWith(gatewayClass(), gatewayClass('other', 'example.com/x'), gateway('web', [HTTP]), app(1));
    const delta = compiler.apply([upsert(gateway('web', [HTTP], 'other'))]);
    expect(summary(delta).removed).toEqual(['Listener infra/web/http', 'Route HTTPRoute/infra/app-1/0']);
    expect(delta.forgotten.map(({ kind }) => kind)).toEqual(['Gateway', 'HTTPRoute']);
  });

  test('an object deleted and created again in one batch gets a status, since the new one has none', () => {
    const compiler = compilerWith(gatewayClass(), gateway('web', [HTTP]), app(1));
    const again = app(1);
    const delta = compiler.apply([remove(again), upsert({ ...again, metadata: { ...again.metadata, uid: 'second' } })]);
    expect(summary(delta)).toMatchObject({ changed: [], removed: [], statuses: ['HTTPRoute app-1'] });
  });

  test('a change undone within one batch is not in the delta', () => {
    const compiler = compilerWith(gatewayClass(), gateway('web', [HTTP]), app(1));
    const delta = compiler.apply([upsert(app(1, { hostnames: ['x.example.com'] })), remove(app(1)), upsert(app(1))]);
    expect(summary(delta)).toMatchObject({ changed: [], removed: [], statuses: [] });
    expect(delta.forgotten).toEqual([]);
  });

  test('a dropped unit that is read again in the same batch is up to date', () => {
    const compiler = compilerWith(gatewayClass(), gateway('web', [HTTP]), service('infra', 'app'), app(1));
    const h2c = service('infra', 'app', { ports: [{ port: 80, appProtocol: 'kubernetes.io/h2c' }] });
    const delta = compiler.apply([remove(app(1)), upsert(h2c), upsert(app(2))]);
    const cluster = delta.changed.find(({ kind }) => kind === 'Cluster');
    expect(JSON.parse(String(cluster?.body))).toMatchObject({ protocol: 'http2' });
  });
});

describe('HTTPRoutes and GRPCRoutes for the same hosts', () => {
  const hosts = { ...PARENT, hostnames: ['a.example.com'], rules: [{ name: 'all' }] };
  const old = (object: KubernetesObject): KubernetesObject => ({
    ...object,
    metadata: { ...object.metadata, creationTimestamp: '2026-01-01T00:00:00Z' },
  });
  const young = (object: KubernetesObject): KubernetesObject => ({
    ...object,
    metadata: { ...object.metadata, creationTimestamp: '2026-01-02T00:00:00Z' },
  });

  test('the younger route gets the host when the older is deleted, and loses it when that returns', () => {
    const http = old(httpRoute('infra', 'http', hosts));
    const compiler = compilerWith(gatewayClass(), gateway('web', [HTTP]), http, young(grpcRoute('infra', 'grpc', hosts)));
    const keys = (): string[] => [...compiler.resources()].map(({ key }) => key).filter((key) => key.includes('Route'));
    expect(keys()).toEqual(['HTTPRoute/infra/http/0']);
    expect(summary(compiler.apply([remove(http)]))).toMatchObject({
      changed: ['Route GRPCRoute/infra/grpc/0'],
      removed: ['Route HTTPRoute/infra/http/0'],
    });
    compiler.apply([upsert(http)]);
    expect(keys()).toEqual(['HTTPRoute/infra/http/0']);
  });

  test('a route without a rival is one unit, even among routes of both kinds', () => {
    const compiler = compilerWith(
      gatewayClass(),
      gateway('web', [HTTP]),
      grpcRoute('infra', 'grpc', hosts),
      app(1, { hostnames: ['b.example.com'] }),
    );
    const delta = compiler.apply([upsert(app(1, { hostnames: ['c.example.com'] }))]);
    expect(summary(delta)).toEqual({ ...NOTHING, changed: ['Route HTTPRoute/infra/app-1/0'], recompiled: 1 });
  });
});

describe('invalid input', () => {
  test.each([null, 7, 'text', [], {}, { kind: 'HTTPRoute' }, { apiVersion: 'v1', kind: '__proto__', metadata: null }])(
    '%j is rejected',
    (value) => {
      const compiler = new Compiler({ controllerName: CONTROLLER });
      const delta = compiler.apply([{ type: 'upsert', object: value as unknown as KubernetesObject }]);
      expect(delta).toMatchObject({ changed: [], statuses: [], faults: [], recompiled: 0 });
      expect(delta.rejected).toHaveLength(1);
    },
  );

  test('an object that becomes invalid keeps its previous version', () => {
    const compiler = compilerWith(gatewayClass(), gateway('web', [HTTP]), app(1));
    const delta = compiler.apply([upsert(app(1, { rules: 'none' }))]);
    expect(summary(delta)).toEqual(NOTHING);
    expect(delta.rejected).toEqual([{ object: 'HTTPRoute/infra/app-1', errors: [{ field: 'spec.rules', reason: 'must be an array' }] }]);
  });

  test('deleting an absent object does nothing', () => {
    expect(summary(compilerWith().apply([remove(app(1)), remove(gateway('web', [HTTP]))]))).toEqual(NOTHING);
  });

  test('resources and statuses list the current output', () => {
    const compiler = compilerWith(gatewayClass(), gateway('web', [HTTP]));
    expect([...compiler.resources()].map(({ key }) => key)).toEqual(['infra/web/http']);
    expect([...compiler.statuses()].map(({ type }) => type)).toEqual(['GatewayClass', 'Gateway']);
  });
});

test('an object that fails because of a bug is reported by name, and the others are compiled', () => {
  const compiler = new Compiler({ controllerName: CONTROLLER });
  const store = jest.spyOn(Store.prototype, 'upsert').mockImplementationOnce(() => {
    throw new Error('a bug');
  });
  try {
    const delta = compiler.apply([service('infra', 'broken'), gatewayClass(), gateway('web', [HTTP])].map(upsert));
    expect(delta.faults).toEqual([{ unit: 'store', object: 'Service/infra/broken', error: new Error('a bug') }]);
    expect(delta.changed.map(({ key }) => key)).toEqual(['infra/web/http']);
  } finally {
    store.mockRestore();
  }
});

test('a Service that fails because of a bug affects only its share of a route', () => {
  const compiler = new Compiler({ controllerName: CONTROLLER });
  const fault = jest.spyOn(clusterUnit, 'compile').mockImplementationOnce((view) => {
    view.object('Service', 'infra', 'app');
    throw new Error('a bug');
  });
  try {
    const backendRefs = [
      { name: 'app', port: 80 },
      { name: 'other', port: 80 },
    ];
    const rules = [{ backendRefs }];
    const objects = [gatewayClass(), gateway('web', [HTTP]), service('infra', 'app'), service('infra', 'other')];
    const delta = compiler.apply([...objects, app(1, { rules })].map(upsert));
    expect(delta.faults).toMatchObject([{ unit: '@cluster Service/infra/app/80', object: 'Service/infra/app' }]);
    const made = delta.changed.find(({ kind }) => kind === 'Route');
    const { backends } = JSON.parse(made?.body.toString() ?? '{}') as ir.Route;
    expect(backends).toMatchObject([
      { cluster: null, invalidReason: expect.stringContaining('Service/infra/app/80 cannot be compiled because of a bug') },
      { cluster: 'Service/infra/other/80' },
    ]);
    expect(JSON.stringify(delta.statuses)).toContain('Service/infra/app/80 cannot be compiled because of a bug');
  } finally {
    fault.mockRestore();
  }
});
