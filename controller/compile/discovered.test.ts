// Backends whose endpoints a source outside Kubernetes finds: what is asked, and what proxies get before and after answers.
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Endpoint } from '#api/ir/ir.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { foundRef, type Change } from '../watch/event.ts';
import { Compiler } from './compile.ts';
import { CONTROLLER, gateway, gatewayClass, httpRoute, remove, service, upsert } from './testdata/objects.ts';

const OWNER = 'Backend/infra/db';

function backend(spec: object): KubernetesObject {
  const metadata = { name: 'db', namespace: 'infra', generation: 1 };
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata, spec } as KubernetesObject;
}

const LISTENERS = [{ name: 'http', port: 80, protocol: 'HTTP' }];
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
  compiler.apply([upsert(gatewayClass()), upsert(gateway('web', LISTENERS)), upsert(backend({ dns: DNS }))]);
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
      'Backend/infra/db is not valid: spec must set exactly one of endpoints, dns, ',
    );
  });
});

/** The message of a condition of the Backend; null without a status. */
function condition(type: string): string | null {
  const status = [...compiler.statuses()].find(({ ref }) => ref.kind === 'Backend');
  const found = status?.type === 'Backend' ? status.conditions.find((each) => each.type === type) : undefined;
  return found === undefined ? null : `${found.status} ${found.reason}: ${found.message}`;
}

describe('a source whose answers turn against the cluster', () => {
  test.each(['127.0.0.1', '169.254.169.254', '::ffff:127.0.0.1', '64:ff9b::a9fe:a9fe', 'fd00:ec2::254', '0.0.0.0'])(
    'does not lead proxies to %s, and keeps its other endpoints',
    (bad) => {
      compiler.apply([upsert(ROUTE), found('10.0.0.1')]);
      compiler.apply([found('10.0.0.1', bad)]);
      expect(served()).toEqual([['10.0.0.1'], false]);
      expect(condition('EndpointsResolved')).toMatch(/^False AddressRefused: not used: /);
      expect(condition('EndpointsResolved')).toContain(`${bad} is `);
      compiler.apply([found('10.0.0.1')]);
      expect(condition('EndpointsResolved')).toBe('True EndpointsResolved: every endpoint is known');
    },
  );

  test('changes no route', () => {
    compiler.apply([upsert(ROUTE), found('10.0.0.1')]);
    const { changed, statuses } = compiler.apply([found('127.0.0.1')]);
    expect(changed.map(({ kind }) => kind)).toEqual(['Endpoints']);
    expect(statuses.map(({ ref }) => ref.kind)).toEqual(['Backend']);
    expect(served()).toEqual([[], false]);
  });

  test('does not break the resource with a port that is none', () => {
    const endpoints: Endpoint[] = [
      { address: '10.0.0.1', port: 0, draining: false },
      { address: '10.0.0.2', port: 80, draining: false },
    ];
    compiler.apply([upsert(ROUTE), { type: 'found', ref: foundRef(OWNER), found: { endpoints, trouble: null } }]);
    expect(served()).toEqual([['10.0.0.2'], false]);
    expect(condition('EndpointsResolved')).toContain('10.0.0.1 has port 0');
  });
});

describe('the conditions of a Backend', () => {
  test('exist while a route uses it', () => {
    expect(condition('Accepted')).toBeNull();
    compiler.apply([upsert(ROUTE)]);
    expect(condition('Accepted')).toBe('True Accepted: the Backend is valid');
    expect(condition('EndpointsResolved')).toBe('False Pending: the source has not answered yet');
    expect(compiler.apply([remove(ROUTE)]).forgotten).toContainEqual({ kind: 'Backend', namespace: 'infra', name: 'db' });
  });

  test('have the trouble of the source', () => {
    compiler.apply([upsert(ROUTE), found('10.0.0.1')]);
    const trouble = { reason: 'LookupFailed', message: 'the resolver fails' };
    const endpoints: Endpoint[] = [{ address: '10.0.0.1', port: 80, draining: false }];
    compiler.apply([{ type: 'found', ref: foundRef(OWNER), found: { endpoints, trouble } }]);
    expect(condition('EndpointsResolved')).toBe('False LookupFailed: the resolver fails; the last endpoints stay in use');
  });

  test('name refused fixed addresses; the others are served', () => {
    const endpoints = [
      { ip: '127.0.0.1', port: 80 },
      { ip: '10.0.0.9', port: 80 },
    ];
    compiler.apply([upsert(ROUTE), upsert(backend({ endpoints }))]);
    expect(served()).toEqual([['10.0.0.9'], false]);
    const reason = 'not used: 127.0.0.1 is a loopback address, which --allow-endpoints does not permit';
    expect(condition('EndpointsResolved')).toBe(`False AddressRefused: ${reason}`);
  });

  test('say why it is not valid', () => {
    compiler.apply([upsert(ROUTE), upsert(backend({ dns: { name: 'db.example.com' } }))]);
    expect(condition('Accepted')).toBe('False Invalid: spec.dns.port is required, since only SRV records have ports');
  });
});

describe('a Service of type ExternalName', () => {
  const SERVICE = service('infra', 'db', { type: 'ExternalName', externalName: 'db.example.com' });
  const TO_SERVICE = httpRoute('infra', 'db', { parentRefs: [{ name: 'web' }], rules: [{ backendRefs: [{ name: 'db', port: 8080 }] }] });

  test('is not served without the flag, and its route names the flag', () => {
    compiler.apply([upsert(SERVICE), upsert(TO_SERVICE)]);
    expect(compiler.wanted.FoundEndpoints.size).toBe(0);
    expect(served()).toBeNull();
    expect(JSON.stringify([...compiler.statuses()])).toContain('does not serve without --allow-external-names');
  });

  test('is looked up with the flag, and its addresses are checked', () => {
    compiler = new Compiler({ controllerName: CONTROLLER, allowExternalNames: true });
    compiler.apply([upsert(gatewayClass()), upsert(gateway('web', LISTENERS)), upsert(SERVICE), upsert(TO_SERVICE)]);
    const owner = 'Service/infra/db/8080';
    const settings = { name: 'db.example.com', type: 'Any', port: 8080 };
    expect([...compiler.wanted.FoundEndpoints.values()]).toEqual([{ owner, source: 'dns', settings, secrets: {} }]);
    const endpoints = ['10.0.0.1', '169.254.169.254'].map((address): Endpoint => ({ address, port: 8080, draining: false }));
    compiler.apply([{ type: 'found', ref: foundRef(owner), found: { endpoints, trouble: null } }]);
    expect(served()).toEqual([['10.0.0.1'], false]);
  });
});
