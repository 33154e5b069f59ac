// References of policies, with kinds of policies that exist in this test only.
import { beforeEach, describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import type { PolicyKind } from '#api/k8s/policies.ts';
import { backend, configMapKey, dataKey, secretKey } from '#api/k8s/policy-reference.ts';
import { GATEWAY_TARGET, policyKind } from '#api/k8s/policy.ts';
import { group, whole } from '#api/k8s/setting.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { Store } from '../snapshot/store.ts';
import { Outputs } from './outputs.ts';
import { policyUnit } from './policy.ts';
import { Units } from './units.ts';

const SETTINGS = {
  users: secretKey('Users.'),
  page: configMapKey('A page.'),
  keys: whole('Keys.', { one: dataKey('One.'), other: dataKey('Another one.') }),
  service: group('A service.', { backendRef: backend('Where it is.') }),
};
const described = {
  plural: 'guards',
  shortNames: [],
  description: 'A guard.',
  targets: [GATEWAY_TARGET],
  appliesTo: 'rule' as const,
  additions: [],
  settings: SETTINGS,
};
const GUARD = policyKind({ ...described, kind: 'Guard', protects: true }) as unknown as PolicyKind;
const HELPER = policyKind({ ...described, kind: 'Helper' }) as unknown as PolicyKind;

const API_VERSIONS = new Map([
  ['Gateway', 'gateway.networking.k8s.io/v1'],
  ['ReferenceGrant', 'gateway.networking.k8s.io/v1beta1'],
]);

function object(kind: string, name: string, fields: object, namespace = 'ns'): KubernetesObject {
  const apiVersion = API_VERSIONS.get(kind) ?? 'v1';
  return { apiVersion, kind, metadata: { name, namespace, generation: 1 }, ...fields };
}

const CLASS = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: { name: 'weir' },
  spec: { controllerName: 'weir.dev/test' },
} as KubernetesObject;
const EDGE = object('Gateway', 'edge', {
  spec: { gatewayClassName: 'weir', addresses: [], listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
});

function secret(name: string, texts: Readonly<Record<string, string>>, namespace = 'ns'): KubernetesObject {
  return object('Secret', name, { type: 'Opaque', data: {}, stringData: texts }, namespace);
}

function policy({ kind }: PolicyKind, spec: object): KubernetesObject {
  const targets = { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }], targetSelectors: [] };
  const metadata = { name: 'p', namespace: 'ns', generation: 1 };
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind, metadata, spec: { ...targets, ...spec } } as KubernetesObject;
}

let store: Store;
let outputs: Outputs;
let units: Units;
beforeEach(() => {
  store = new Store();
  outputs = new Outputs();
  units = new Units(store, outputs, {
    ...{ controllerName: 'weir.dev/test', allowLoopback: false, allowExternalNames: false, allowedEndpoints: AddressRanges.of([]) },
    ...{ own: { addresses: new Set(), ports: new Set() }, bindAddresses: true, addresses: null, proxyService: '', sessionSecret: null },
    fleets: { byDefault: 'Shared', lacks: '' },
    operatorNamespace: null,
  });
  put(CLASS, EDGE);
});

function put(...objects: readonly KubernetesObject[]): void {
  for (const each of objects.map(valid)) for (const cell of store.upsert(each)) units.touch(cell);
}

/** With the defaults of its kind; the kinds of this test have none. */
function valid(value: KubernetesObject): KubernetesObject {
  if (value.apiVersion.startsWith('gateway.weir.dev/')) return value;
  const checked = validateObject(value, { strict: true });
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value;
}

function remove({ kind, metadata }: KubernetesObject): void {
  for (const cell of store.delete({ kind, namespace: metadata.namespace ?? '', name: metadata.name })) units.touch(cell);
}

/** All resources of a kind. */
function compiled<K extends ir.ResourceKind>(kind: K): readonly Extract<ir.Resource, { readonly kind: K }>[] {
  const { faults } = units.run();
  expect(faults).toEqual([]);
  const all = [...outputs.resources()].map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
  return all.filter((each): each is Extract<ir.Resource, { readonly kind: K }> => each.kind === kind);
}

function text(data: string | undefined): string {
  return Buffer.from(data ?? '', 'base64').toString();
}

/** The condition of a type of the policy. */
function condition(type: string): string | undefined {
  const status = [...outputs.statuses()].find(({ ref }) => ref.name === 'p');
  const found = status?.type === 'Policy' ? status.ancestors[0]?.conditions.find((each) => each.type === type) : undefined;
  return found === undefined ? undefined : `${found.status} ${found.reason}: ${found.message}`;
}

function use(kind: PolicyKind, spec: object): void {
  put(policy(kind, spec));
  units.addRoot(policyUnit(kind), 'ns/p');
}

const USERS = { users: { secretRef: { name: 'users' }, key: 'htpasswd' } };

describe('a reference to an entry', () => {
  test('sends this entry and no other, with the policy', () => {
    put(secret('users', { htpasswd: 'ann', other: 'x' }));
    use(GUARD, USERS);
    expect(compiled('ObjectData').map(({ key, data }) => [key, Object.keys(data), text(data['htpasswd'])])).toEqual([
      ['Secret/ns/users', ['htpasswd'], 'ann'],
    ]);
    expect(compiled('Policy')).toEqual([
      expect.objectContaining({
        settings: { users: { data: 'Secret/ns/users', key: 'htpasswd' } },
        references: ['ObjectData|Secret/ns/users'],
      }),
    ]);
    expect(condition('ResolvedRefs')).toBe('True ResolvedRefs: every reference is resolved');
  });

  test('is followed when the entry changes, without another version of the policy', () => {
    put(secret('users', { htpasswd: 'ann' }));
    use(GUARD, USERS);
    const before = compiled('Policy');
    put(secret('users', { htpasswd: 'ben' }));
    expect(compiled('ObjectData').map(({ data }) => text(data['htpasswd']))).toEqual(['ben']);
    expect(compiled('Policy')).toEqual(before);
  });

  test('takes the entry back when no policy refers to it any more', () => {
    put(secret('users', { htpasswd: 'ann' }));
    use(GUARD, USERS);
    expect(compiled('ObjectData')).toHaveLength(1);
    put(policy(GUARD, { page: { configMapRef: { name: 'users' }, key: 'page' } }));
    expect(compiled('ObjectData')).toEqual([]);
  });

  test('asks for Secrets and ConfigMaps, existing or not', () => {
    use(GUARD, { ...USERS, page: { configMapRef: { name: 'pages' }, key: 'sorry' } });
    compiled('Policy');
    expect([...units.objectsRead.Secret]).toEqual(['Secret/ns/users']);
    expect([...units.objectsRead.ConfigMap]).toEqual(['ConfigMap/ns/pages']);
    put(policy(GUARD, USERS));
    compiled('Policy');
    expect([...units.objectsRead.ConfigMap]).toEqual([]);
  });

  test('to a ConfigMap that cannot be read says why', () => {
    use(GUARD, { page: { configMapRef: { name: 'pages' }, key: 'sorry' } });
    for (const cell of store.markUnreadable({ kind: 'ConfigMap', namespace: 'ns', name: 'pages' }, 'the controller may not get configmaps'))
      units.touch(cell);
    compiled('Policy');
    expect(condition('ResolvedRefs')).toBe(
      'False NotFound: spec.page: ConfigMap/ns/pages cannot be read: the controller may not get configmaps',
    );
  });

  test('may be one of a ConfigMap', () => {
    put(object('ConfigMap', 'pages', { data: { sorry: '<p>Sorry' } }));
    use(GUARD, {
      page: { configMapRef: { name: 'pages' }, key: 'sorry' },
      keys: { one: { configMapRef: { name: 'pages' }, key: 'sorry' } },
    });
    expect(compiled('ObjectData').map(({ key, data }) => [key, text(data['sorry'])])).toEqual([['ConfigMap/ns/pages', '<p>Sorry']]);
  });

  test('may be a binary one of a ConfigMap', () => {
    put(object('ConfigMap', 'pages', { binaryData: { sorry: Buffer.from([0, 255]).toString('base64') } }));
    use(GUARD, { page: { configMapRef: { name: 'pages' }, key: 'sorry' } });
    expect(compiled('ObjectData').map(({ data }) => [...Buffer.from(data['sorry'] ?? '', 'base64')])).toEqual([[0, 255]]);
  });
});

describe('a reference that does not resolve', () => {
  test.each([
    ['to a missing object', [], 'NotFound: spec.users: Secret/ns/users does not exist'],
    [
      'to a missing entry',
      [secret('users', { htpaswd: 'ann' })],
      'KeyNotFound: spec.users: Secret/ns/users has no entry htpasswd; did you mean htpaswd?',
    ],
    ['to an empty object', [secret('users', {})], 'KeyNotFound: spec.users: Secret/ns/users has no entry htpasswd; it has no entry'],
  ])('%s has its own reason, and comes into force once it resolves', (_, objects, message) => {
    put(...objects);
    use(GUARD, USERS);
    expect(compiled('ObjectData')).toEqual([]);
    expect(condition('ResolvedRefs')).toBe(`False ${message}`);
    expect(condition('Accepted')).toMatch(/^True/);
    expect(compiled('Policy')[0]?.problems).toEqual([{ field: 'users', message: message.replace(/^\w+: spec.users: /, '') }]);
    put(secret('users', { htpasswd: 'ann' }));
    expect(compiled('Policy')[0]?.problems).toBeUndefined();
    expect(condition('ResolvedRefs')).toMatch(/^True/);
    remove(secret('users', {}));
    expect(compiled('Policy')[0]?.problems).toHaveLength(1);
  });

  test('to a file beside YAML, which a cluster does not read, says so until the entry is there', () => {
    const pages = object('ConfigMap', 'pages', { data: { other: 'x' } });
    const named = { ...pages, metadata: { ...pages.metadata, annotations: { 'gateway.weir.dev/files': 'sorry, more' } } };
    put(named);
    use(GUARD, { page: { configMapRef: { name: 'pages' }, key: 'sorry' } });
    compiled('Policy');
    expect(condition('ResolvedRefs')).toBe(
      'False KeyNotFound: spec.page: ConfigMap/ns/pages has no entry sorry: its annotation gateway.weir.dev/files has no effect in a cluster; make it with kubectl create configmap pages --from-file=sorry',
    );
    put({ ...named, data: { sorry: 'x' } } as KubernetesObject);
    compiled('Policy');
    expect(condition('ResolvedRefs')).toMatch(/^True/);
  });

  test('to another namespace needs a grant for the kind of the policy', () => {
    put(secret('users', { htpasswd: 'ann' }, 'other'));
    use(GUARD, { users: { secretRef: { name: 'users', namespace: 'other' }, key: 'htpasswd' } });
    expect(compiled('ObjectData')).toEqual([]);
    expect(condition('ResolvedRefs')).toBe(
      'False RefNotPermitted: spec.users: no ReferenceGrant permits Guard (group gateway.weir.dev) of namespace ns to refer to Secret/other/users; create one in namespace other',
    );
    const from = [{ group: 'gateway.weir.dev', kind: 'Guard', namespace: 'ns' }];
    const grant = object('ReferenceGrant', 'g', { spec: { from, to: [{ group: '', kind: 'Secret', name: 'users' }] } }, 'other');
    put(grant);
    expect(compiled('ObjectData')).toHaveLength(1);
    remove(grant);
    expect(compiled('ObjectData')).toEqual([]);
    expect(compiled('Policy')[0]?.problems).toHaveLength(1);
  });

  test('takes effect from a policy that does not protect: only its own setting is left out', () => {
    put(object('ConfigMap', 'pages', { data: { sorry: 'x' } }));
    use(HELPER, { ...USERS, page: { configMapRef: { name: 'pages' }, key: 'sorry' } });
    expect(compiled('Policy')).toEqual([
      expect.objectContaining({
        settings: { page: { data: 'ConfigMap/ns/pages', key: 'sorry' } },
        references: ['ObjectData|ConfigMap/ns/pages'],
      }),
    ]);
    expect(compiled('Policy')[0]).not.toHaveProperty('problems');
    expect(condition('ResolvedRefs')).toMatch(/^False NotFound/);
  });
});

describe('a reference to a backend', () => {
  const SERVICE = object('Service', 'auth', { spec: { type: 'ClusterIP', ports: [{ name: '', protocol: 'TCP', port: 80 }] } });
  const refer = (port: number) => ({ service: { backendRef: { group: '', kind: 'Service', name: 'auth', port } } });

  test('sends the cluster and its endpoints', () => {
    put(SERVICE);
    use(GUARD, refer(80));
    expect(compiled('Cluster').map(({ key }) => key)).toEqual(['Service/ns/auth/80']);
    expect(compiled('Endpoints')).toHaveLength(1);
    expect(compiled('Policy')).toEqual([
      expect.objectContaining({
        settings: { service: { backendRef: { cluster: 'Service/ns/auth/80' } } },
        references: ['Cluster|Service/ns/auth/80'],
      }),
    ]);
  });

  test('to a port that the Service lacks is a problem', () => {
    put(SERVICE);
    use(GUARD, refer(81));
    expect(compiled('Policy')[0]?.problems).toEqual([
      { field: 'service.backendRef', message: expect.stringContaining('has no port 81') as unknown as string },
    ]);
    expect(condition('ResolvedRefs')).toMatch(/^False BackendNotFound: spec\.service\.backendRef: Service\/ns\/auth has no port 81/);
  });
});
