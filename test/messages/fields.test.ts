// No silence about fields: each field that a schema accepts is supported, told to be unsupported, or stands in a list here with the
// reason why its silence is right.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import { UNSUPPORTED, WEIR_GROUP } from '#api/k8s/schema.ts';
import { filesBelow } from '../support/imports.ts';

interface Walked {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Walked>>;
  readonly items?: Walked;
  readonly [UNSUPPORTED]?: true;
}

/** Fields of any form, by their path. */
function formless(schema: Walked, path: string): readonly (readonly [string, Walked])[] {
  if (schema.items !== undefined) return formless(schema.items, `${path}[]`);
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, field]) => formless(field, path === '' ? name : `${path}.${name}`));
  }
  return schema.type === undefined && !('const' in schema) && !('enum' in schema) ? [[path, schema]] : [];
}

/** The fields of a kind that are no maps. */
function leaves(schema: Walked, path: string): readonly string[] {
  if (schema.items !== undefined && schema.items.properties !== undefined) return leaves(schema.items, `${path}[]`);
  if (schema.properties === undefined) return [path];
  return Object.entries(schema.properties).flatMap(([name, field]) => leaves(field, path === '' ? name : `${path}.${name}`));
}

/** The code that acts on objects, without tests and without the schemas. */
const SOURCES = [
  'controller/compile',
  'controller/discovery',
  'controller/fleet',
  'controller/alert',
  'proxy',
  'api/policy',
  'api/authorization',
]
  .flatMap(filesBelow)
  // A setting that only the check of the policy uses.
  .concat('api/k8s/extension/plugin-config.ts')
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

/** Fields of other parts of Kubernetes that Weir does not use. */
const OF_NO_CONCERN: Readonly<Partial<Record<KindName, readonly string[]>>> = {
  // What kube-proxy and cloud controllers do with a Service; Weir takes its endpoints.
  Service: [
    ...['selector', 'clusterIP', 'externalIPs', 'sessionAffinityConfig', 'externalTrafficPolicy', 'internalTrafficPolicy'],
    ...['healthCheckNodePort', 'publishNotReadyAddresses', 'trafficDistribution', 'ipFamilyPolicy'],
    ...['allocateLoadBalancerNodePorts', 'loadBalancerClass', 'loadBalancerIP', 'loadBalancerSourceRanges'],
    ...['ports[].targetPort', 'ports[].nodePort'],
  ].map((name) => `spec.${name}`),
  EndpointSlice: ['hostname', 'targetRef', 'nodeName', 'hints.forNodes', 'deprecatedTopology']
    .map((name) => `endpoints[].${name}`)
    .concat('ports[].appProtocol'),
  Namespace: ['spec', 'status'],
  CustomResourceDefinition: ['spec', 'status'],
};

const UNSUPPORTED_FIELDS: Readonly<Partial<Record<KindName, readonly string[]>>> = {
  Gateway: ['spec.defaultScope'],
  HTTPRoute: ['spec.useDefaultGateways'],
  GRPCRoute: ['spec.useDefaultGateways'],
  TCPRoute: ['spec.useDefaultGateways'],
  TLSRoute: ['spec.useDefaultGateways'],
  UDPRoute: ['spec.useDefaultGateways'],
  Service: ['spec.sessionAffinity'],
};

describe('fields that nothing reads', () => {
  test.each(Object.keys(KINDS) as KindName[])('of %s are known', (kind) => {
    const fields = formless(KINDS[kind].schema as Walked, '').filter(([path]) => path !== 'status' || OF_NO_CONCERN[kind]?.includes(path));
    const silent = fields.filter(([, schema]) => schema[UNSUPPORTED] !== true).map(([path]) => path);
    const told = fields.filter(([, schema]) => schema[UNSUPPORTED] === true).map(([path]) => path);
    expect(silent.sort()).toEqual([...(OF_NO_CONCERN[kind] ?? [])].sort());
    expect(told.sort()).toEqual([...(UNSUPPORTED_FIELDS[kind] ?? [])].sort());
  });
});

describe("the fields of Weir's own kinds", () => {
  const own = Object.values(KINDS).filter(({ apiVersion }) => apiVersion.startsWith(WEIR_GROUP));

  test.each(own.map(({ kind }) => kind as KindName))('of %s are named where it is acted on', (kind) => {
    const names = leaves(KINDS[kind].schema as Walked, '')
      .filter((path) => path.startsWith('spec.'))
      .map((path) => path.slice(path.lastIndexOf('.') + 1));
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(SOURCES))).toEqual([]);
  });
});
