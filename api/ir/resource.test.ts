// The list of the kinds of resources: it is complete, and no kind refers to a later one.
import { describe, expect, test } from '@jest/globals';
import * as ir from './ir.ts';

const rule = {
  objectKind: 'HTTPRoute',
  namespace: 'ns',
  name: 'r',
  ruleIndex: 0,
  ruleName: '',
  createdAt: 0,
  attachments: [{ listener: 'ns/gw/http', hostnames: [''] }],
};
const mirror: ir.Filter = { type: 'RequestMirror', cluster: 'Service/ns/copy/80', numerator: 1, denominator: 1 };

/** A resource of each kind, with every reference that the kind can have. */
const RESOURCES: readonly ir.Resource[] = [
  { kind: 'Secret', key: 'ns/cert', certificate: '', privateKey: '' },
  { kind: 'TrustBundle', key: 'ConfigMap/ns/ca', certificates: 'pem' },
  { kind: 'ObjectData', key: 'Secret/ns/users', data: { htpasswd: 'YTpi' } },
  { kind: 'SessionKeys', key: 'sessions', keys: ['a2V5'] },
  {
    kind: 'Challenge',
    key: 'Secret/ns/cert/a.example.com',
    host: 'a.example.com',
    answer: { type: 'HTTP01', token: 't', text: 't.k' },
  },
  { kind: 'Consumer', key: 'ns/alice', groups: [], plan: '', disabled: false, credentials: [] },
  { kind: 'Endpoints', key: 'Service/ns/web/80', endpoints: [] },
  {
    kind: 'Cluster',
    key: 'Service/ns/web/80',
    protocol: 'http1',
    tls: { serverName: 'a', subjectAltNames: [{ type: 'Hostname', value: 'a' }], authorities: ['ConfigMap/ns/ca'] },
  },
  {
    kind: 'Policy',
    key: 'BackendTrafficPolicy/ns/p',
    policyKind: 'BackendTrafficPolicy',
    namespace: 'ns',
    name: 'p',
    createdAt: 0,
    targets: [{ kind: 'Service', namespace: 'ns', name: 'web', section: '80' }],
    settings: {},
    references: ['ObjectData|Secret/ns/users', 'Cluster|Service/ns/auth/80'],
  },
  {
    kind: 'Listener',
    key: 'ns/gw/infra/set/https',
    gateway: 'ns/gw',
    addresses: [],
    port: 443,
    protocol: 'HTTPS',
    hostname: '',
    tls: { mode: 'Terminate', certificates: ['ns/cert'], clientValidation: { mode: 'AllowValidOnly', authorities: ['ConfigMap/ns/ca'] } },
    clientCertificate: 'ns/client',
  },
  {
    kind: 'Route',
    key: 'HTTPRoute/ns/r/0',
    ...rule,
    matches: [],
    filters: [mirror],
    backends: [{ cluster: 'Service/ns/web/80', weight: 1, filters: [mirror] }],
    timeouts: { request: null, backendRequest: null },
    retry: null,
  },
  { kind: 'StreamRoute', key: 'TCPRoute/ns/r/0', ...rule, objectKind: 'TCPRoute', backends: [{ cluster: 'Service/ns/web/80', weight: 1 }] },
];

/** The references of a resource. */
function referencesOf(resource: ir.Resource): ir.References {
  const { references } = ir.resourceKind(resource.kind);
  return references.from === 'key' ? references.read(resource.key) : references.read(resource);
}

/** The kinds of the resources that it needs, without its own. */
function neededKinds(resource: ir.Resource): string[] {
  const own = ir.resourceId(resource.kind, resource.key);
  const ids = referencesOf(resource).needs.filter((name) => name.includes('|') && name !== own);
  return [...new Set(ids.map((id) => id.slice(0, id.indexOf('|'))))];
}

describe('the kinds of resources', () => {
  test('each have a descriptor in the list, with the schema of the same name', () => {
    expect(RESOURCES.map(({ kind }) => kind)).toEqual(ir.KIND_ORDER);
    for (const { kind, schema } of ir.RESOURCE_KINDS) expect(schema).toBe(ir[kind]);
  });

  test.each(RESOURCES)('$kind refers to earlier kinds only', (resource) => {
    const place = ir.KIND_ORDER.indexOf(resource.kind);
    const places = neededKinds(resource).map((kind) => ir.KIND_ORDER.indexOf(kind as ir.ResourceKind));
    expect(places.filter((other) => other < 0 || other >= place)).toEqual([]);
  });

  test.each([
    ['Cluster', ['TrustBundle']],
    ['Policy', ['ObjectData', 'Cluster']],
    ['Listener', ['Secret', 'TrustBundle', 'SessionKeys']],
    ['Route', ['Cluster']],
    ['StreamRoute', ['Cluster']],
  ])('%s needs %j', (kind, needed) => expect(neededKinds(RESOURCES.find((each) => each.kind === kind)!)).toEqual(needed));

  test('a route needs the clusters of its backends and of its mirrors', () => {
    const route = RESOURCES.find(({ kind }) => kind === 'Route')!;
    expect(referencesOf(route).needs).toEqual(['HTTPRoute/ns/r', 'Cluster|Service/ns/copy/80', 'Cluster|Service/ns/web/80']);
  });

  test('refer to their objects', () => {
    const origins = RESOURCES.map(({ kind, key }) => ir.originOf(kind, key));
    expect(origins.map(({ ref, part }) => [ir.objectName(ref), part].join(' ').trim())).toEqual([
      'Secret/ns/cert',
      'ConfigMap/ns/ca',
      'Secret/ns/users',
      'SessionKeys//sessions',
      'Secret/ns/cert',
      'Consumer/ns/alice',
      'Service/ns/web port 80',
      'Service/ns/web port 80',
      'BackendTrafficPolicy/ns/p',
      'ListenerSet/infra/set https',
      'HTTPRoute/ns/r spec.rules[0]',
      'TCPRoute/ns/r spec.rules[0]',
    ]);
  });
});
