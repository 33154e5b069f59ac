// What a cluster has beside migrated objects: the class, and the Services, Secrets and ConfigMaps that they refer to.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { isMap } from '../fields.ts';
import type { Manifest } from '../manifest.ts';

const PAIR = path.resolve(import.meta.dirname, '..', '..', 'controller', 'compile', 'testdata', 'tls');
const CERTIFICATE = readFileSync(path.join(PAIR, 'a.crt'));
const ENCODED = CERTIFICATE.toString('base64');
const KEY = readFileSync(path.join(PAIR, 'a.key')).toString('base64');
const SECRET = { type: 'kubernetes.io/tls', data: { 'tls.crt': ENCODED, 'tls.key': KEY, 'ca.crt': ENCODED } };

const GATEWAY_CLASS = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: { name: 'weir' },
  spec: { controllerName: 'gateway.weir.dev/controller' },
};

/** A reference somewhere in an object, with the name of the field that holds it. */
interface Found {
  readonly field: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly port: number | undefined;
}

/** YAML of everything that the objects refer to and that is not among them. */
export function filesFor(manifests: readonly Manifest[]): string {
  const references = manifests.flatMap(({ kind, metadata, spec }) => {
    return [...referencesIn(spec, 'spec')].map(([field, value]): Found => {
      const namespace = String(value['namespace'] ?? metadata.namespace);
      const port = typeof value['port'] === 'number' ? value['port'] : undefined;
      const protocol = kind === 'UDPRoute' ? 'UDP' : 'TCP';
      return { field, protocol, namespace, kind: String(value['kind'] ?? ''), name: String(value['name']), port };
    });
  });
  const objects = [GATEWAY_CLASS, ...certificates(references), ...services(references)];
  return objects.map((object) => stringify(object)).join('---\n');
}

function* referencesIn(value: unknown, field: string): Generator<readonly [field: string, value: Readonly<Record<string, unknown>>]> {
  if (Array.isArray(value)) for (const item of value) yield* referencesIn(item, field);
  if (!isMap(value)) return;
  if ('name' in value) yield [field, value];
  for (const [inner, part] of Object.entries(value)) yield* referencesIn(part, inner);
}

function certificates(references: readonly Found[]): object[] {
  const named = references.filter(({ field }) => /certificateRefs$/i.test(field));
  const unique = new Map(named.map((reference) => [`${reference.kind}/${reference.namespace}/${reference.name}`, reference]));
  return [...unique.values()].map(({ kind, namespace, name }) => {
    const metadata = { name, namespace };
    if (kind === 'ConfigMap') return { apiVersion: 'v1', kind, metadata, data: { 'ca.crt': CERTIFICATE.toString() } };
    return { apiVersion: 'v1', kind: 'Secret', metadata, ...SECRET };
  });
}

function services(references: readonly Found[]): object[] {
  const backends = references.filter(({ field, kind, port }) => /^backendRefs?$/.test(field) && kind !== 'Backend' && port !== undefined);
  return [...Map.groupBy(backends, ({ namespace, name }) => `${namespace}/${name}`)].map(([id, found]) => {
    const [namespace, name] = id.split('/');
    const unique = new Map(found.map(({ port, protocol }) => [port, { name: `p${port}`, port, protocol }]));
    return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [...unique.values()] } };
  });
}
