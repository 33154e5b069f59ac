// The kinds that are watched in a cluster: which of their objects, what of them is kept, and how a change that matters is told.
import { KINDS } from '#api/k8s/kinds.ts';
import { POLICIES } from '#api/k8s/policies.ts';
import type { KindInfo, KindName } from '#api/k8s/kinds.ts';
import { BUNDLE_CHANNEL, BUNDLE_VERSION, GATEWAY_GROUP, WEIR_GROUP } from '#api/k8s/schema.ts';

/** An object as the API server sent it: nothing about it is known yet. */
export type RawObject = Readonly<Record<string, unknown>>;

/** One kind to watch. */
export interface WatchedKind {
  readonly name: KindName;
  readonly api: KindInfo;
  /** Narrows the watch at the server; '' for all objects. */
  readonly fieldSelector: string;
  /** What to do where the API server does not know the kind. */
  readonly install: string;
  /** The server is asked for metadata only. */
  readonly metadataOnly?: boolean;
  /** With `metadataOnly`: an object is read as a whole, by itself, while something refers to it. */
  readonly onDemand?: boolean;
  /** Where it cannot be had, everything else goes on without. */
  readonly optional?: boolean;
  /** Not in every release of the Gateway API that Weir supports: nothing is wrong where it is not installed. */
  readonly mayBeAbsent?: boolean;
  /** Whether anything of an object of that name is read; absent: always. */
  readonly concerns?: (name: string) => boolean;
  /** True where Weir writes the status: the latest one is kept, for comparison. */
  readonly writesStatus: boolean;
  /** The object without what is never read. Runs before anything is kept, so memory holds only this. */
  project(object: RawObject): RawObject;
  /** Equal for two versions of an object that mean the same to compile. */
  fingerprint(object: RawObject): string;
}

/**
 * Custom resources count generations: only a change of spec makes a new one, a change of status or annotations does not. Neither
 * does one of labels, by which policies select.
 */
function byGeneration(object: RawObject): string {
  const { uid, generation, labels } = metadataOf(object);
  return `${String(uid)} ${String(generation)} ${JSON.stringify(labels)}`;
}

function byVersion(object: RawObject): string {
  return String(metadataOf(object)['resourceVersion']);
}

const GATEWAY_CRDS = `install the CRDs of the Gateway API (standard channel, 1.5 or later; group ${GATEWAY_GROUP})`;
const GATEWAY_L4_CRDS = `install the CRDs of the Gateway API 1.6 or later for TCPRoutes and UDPRoutes (group ${GATEWAY_GROUP})`;
const WEIR_CRDS = `install Weir's CRDs (group ${WEIR_GROUP})`;
const BUILT_IN = 'this kind is built into Kubernetes 1.21 and later';

function customKind(name: KindName, install: string, writesStatus: boolean): WatchedKind {
  return {
    name,
    api: KINDS[name],
    fieldSelector: '',
    install,
    writesStatus,
    project: (object) => ({ ...base(object, null), spec: object['spec'] }),
    fingerprint: byGeneration,
  };
}

function coreKind(name: KindName, project: WatchedKind['project']): WatchedKind {
  return { name, api: KINDS[name], fieldSelector: '', install: BUILT_IN, writesStatus: false, project, fingerprint: byVersion };
}

/** Every kind a controller watches. */
export const WATCHED_KINDS: readonly WatchedKind[] = [
  customKind('GatewayClass', GATEWAY_CRDS, true),
  customKind('Gateway', GATEWAY_CRDS, true),
  customKind('ListenerSet', GATEWAY_CRDS, true),
  customKind('HTTPRoute', GATEWAY_CRDS, true),
  customKind('GRPCRoute', GATEWAY_CRDS, true),
  { ...customKind('TCPRoute', GATEWAY_L4_CRDS, true), mayBeAbsent: true },
  customKind('TLSRoute', GATEWAY_CRDS, true),
  { ...customKind('UDPRoute', GATEWAY_L4_CRDS, true), mayBeAbsent: true },
  customKind('ReferenceGrant', GATEWAY_CRDS, false),
  ...POLICIES.map(({ kind }) => customKind(kind, WEIR_CRDS, true)),
  customKind('GatewayParameters', WEIR_CRDS, false),
  customKind('Backend', WEIR_CRDS, false),
  customKind('BackendTLSPolicy', GATEWAY_CRDS, true),
  coreKind('Service', (object) => ({
    ...base(object, null),
    spec: pick(object['spec'], ['type', 'ports', 'clusterIPs']),
    // One that stands in front of proxies tells the addresses of Gateways.
    status: pick(object['status'], ['loadBalancer', 'conditions']),
  })),
  coreKind('EndpointSlice', (object) => ({
    ...base(object, ['kubernetes.io/service-name']),
    addressType: object['addressType'],
    endpoints: mapItems(object['endpoints'], (endpoint) => pick(endpoint, ['addresses', 'conditions', 'zone'])),
    ports: mapItems(object['ports'], (port) => pick(port, ['name', 'protocol', 'port'])),
  })),
  // Clusters are full of other people's: their data is neither asked for nor kept.
  { ...coreKind('Secret', projectSecret), metadataOnly: true, onDemand: true },
  {
    ...coreKind('ConfigMap', (object) => ({ ...base(object, []), data: pick(object['data'], ['ca.crt']) })),
    // Many are rewritten all the time, as locks or caches of others.
    fingerprint: (object) => `${String(metadataOf(object)['uid'])} ${JSON.stringify(pick(object['data'], ['ca.crt']))}`,
  },
  coreKind('Namespace', (object) => base(object, null)),
  {
    ...coreKind('CustomResourceDefinition', projectDefinition),
    metadataOnly: true,
    optional: true,
    concerns: (name) => name.endsWith(`.${GATEWAY_GROUP}`) || name.endsWith(`.${WEIR_GROUP}`),
    fingerprint: (object) => JSON.stringify(projectDefinition(object)),
  },
];

/** Keys and certificates of one that may serve as a certificate, of any other nothing but authorities. */
function projectSecret(object: RawObject): RawObject {
  const { type } = object;
  const read = type === 'kubernetes.io/tls' ? ['tls.crt', 'tls.key', 'ca.crt'] : ['ca.crt'];
  return { ...base(object, []), type, data: pick(object['data'], read) };
}

/** With the annotations that tell of which release and channel it is. */
function projectDefinition(object: RawObject): RawObject {
  const { apiVersion, kind } = KINDS.CustomResourceDefinition;
  const { name, uid, annotations } = metadataOf(object);
  return { apiVersion, kind, metadata: { name, uid, annotations: pick(annotations ?? {}, [BUNDLE_VERSION, BUNDLE_CHANNEL]) } };
}

/** Kind, version and the metadata that compile reads, with the labels named (null: all of them). */
function base(object: RawObject, labelNames: readonly string[] | null): Record<string, unknown> {
  const metadata = pick(object['metadata'], ['name', 'namespace', 'uid', 'generation', 'creationTimestamp']) as Record<string, unknown>;
  const labels = metadataOf(object)['labels'];
  const kept = labelNames === null ? labels : pick(labels, labelNames);
  if (kept !== undefined && labelNames?.length !== 0) metadata['labels'] = kept;
  return { apiVersion: object['apiVersion'], kind: object['kind'], metadata };
}

/** The metadata of an object; empty where there is none. */
export function metadataOf(object: RawObject): RawObject {
  const metadata = object['metadata'];
  return isRecord(metadata) ? metadata : {};
}

/** The named fields that are there. What is no object is left to validation as it is. */
function pick(value: unknown, names: readonly string[]): unknown {
  if (!isRecord(value)) return value;
  const picked: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(value, name)) picked[name] = value[name];
  return picked;
}

function mapItems(value: unknown, map: (item: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(map) : value;
}

function isRecord(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
