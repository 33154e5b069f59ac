// Backends whose endpoints a source outside Kubernetes finds: what is asked, and what proxies get before and after answers.
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Endpoint } from '#api/ir/ir.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { foundRef, type Change } from '../watch/event.ts';
import { Compiler } from './compile.ts';
import { CONTROLLER, gateway, gatewayClass, httpRoute, remove, upsert } from './testdata/objects.ts';

const OWNER = 'Backend/infra/db';

function backend(spec: object): KubernetesObject {
  const metadata = { name: 'db', namespace: 'infra', generation: 1 };
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata, spec } as KubernetesObject;
}

const DNS = { name: 'db.example.com', port: 5432 };
const ROUTE = httpRoute('infra', 'db', {
  parentRefs: [{ name: 'web' }],
  rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'db' }] }],
});

function found(...addresses: readonly string[]): Change {
  const endpoints = addresses.map((address): Endpoint => ({ address, port: 5432, draining: false }));
  return { type: 'found', ref: foundRef(OWNER), found: { endpoints, trouble: null } };
}

let compiler: Compiler;

/** The Endpoints resource of the Backend: its addresses, and whether they are unresolved. */
function served(): unknown {
  const resource = [...compiler.resources()].find(({ kind }) => kind === 'Endpoints');
  if (resource === undefined) return null;
  const { endpoints, unresolved } = JSON.parse(resource.body.toString()) as { endpoints: Endpoint[]; unresolved?: true };
  return [endpoints.map(({ address }) => address), unresolved === true];
}

beforeEach(() => {
  compiler = new Compiler({ controllerName: CONTROLLER });
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
  compiler.apply([upsert(gatewayClass()), upsert(gateway('web', listeners)), upsert(backend({ dns: DNS }))]);
});

describe('a Backend with a source of endpoints', () => {
  test('is looked up while a route refers to it', () => {
    expect([...compiler.wanted.FoundEndpoints.values()]).toEqual([]);
    compiler.apply([upsert(ROUTE)]);
    expect([...compiler.wanted.FoundEndpoints.values()]).toEqual([
      { owner: OWNER, source: 'dns', settings: { ...DNS, type: 'Any' }, secrets: {} },
    ]);
    compiler.apply([remove(ROUTE)]);
    expect([...compiler.wanted.FoundEndpoints.values()]).toEqual([]);
  });

  test('is unresolved until the first answer', () => {
    compiler.apply([upsert(ROUTE)]);
    expect(served()).toEqual([[], true]);
    compiler.apply([found('10.0.0.2', '10.0.0.1', '10.0.0.2')]);
    expect(served()).toEqual([['10.0.0.1', '10.0.0.2'], false]);
  });

  test('has no endpoints if the source finds none', () => {
    compiler.apply([upsert(ROUTE), found()]);
    expect(served()).toEqual([[], false]);
  });

  test('keeps fixed endpoints until its new source answers', () => {
    compiler.apply([upsert(backend({ endpoints: [{ ip: '10.0.0.9', port: 5432 }] })), upsert(ROUTE)]);
    compiler.apply([upsert(backend({ dns: DNS }))]);
    expect(served()).toEqual([['10.0.0.9'], false]);
    compiler.apply([found('10.0.0.1')]);
    expect(served()).toEqual([['10.0.0.1'], false]);
  });

  test('is not served if it has two sources', () => {
    compiler.apply([upsert(backend({ dns: DNS, endpoints: [{ ip: '10.0.0.9', port: 5432 }] })), upsert(ROUTE)]);
    expect(served()).toBeNull();
    expect(JSON.stringify([...compiler.statuses()])).toContain(
      'Backend/infra/db is not valid: spec must set exactly one of endpoints, dns',
    );
  });
});
