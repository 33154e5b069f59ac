// The watched kinds of a cluster: which objects to watch, which fields to keep, and which changes to report.
import { FILES_ANNOTATION } from '#api/k8s/config-map-files.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import { OWN_POLICIES } from '#api/k8s/policies.ts';
import type { KindInfo, KindName } from '#api/k8s/kinds.ts';
import { BUNDLE_CHANNEL, BUNDLE_VERSION, GATEWAY_GROUP, WEIR_GROUP } from '#api/k8s/schema.ts';

/** An object as the API server sent it, not validated. */
export type RawObject = Readonly<Record<string, unknown>>;

/** One kind to watch. */
export interface WatchedKind {
  readonly name: KindName;
  readonly api: KindInfo;
  /** A filter at the server; '' means all objects. */
  readonly fieldSelector: string;
  /** The remedy if the API server does not know the kind. */
  readonly install: string;
  /** Requests metadata only. */
  readonly metadataOnly?: boolean;
  /** With `metadataOnly`: each object is read completely while another object refers to it. */
  readonly onDemand?: boolean;
  /** Weir works without the kind. */
  readonly optional?: boolean;
  /** The kind is not in every supported release of the Gateway API, so its absence is no problem. */
  readonly mayBeAbsent?: boolean;
  /** The kind is of the experimental channel: most clusters lack it, so its absence is not reported at all. */
  readonly experimental?: boolean;
  /** Whether an object of this name is read; if absent, all are. */
  readonly concerns?: (name: string) => boolean;
  /** True if Weir writes the status; the latest one is kept for comparison. */
  readonly writesStatus: boolean;
  /** The object without fields that are never read. Runs first, so that memory holds only the projection. */
  project(object: RawObject): RawObject;
  /** Equal for two versions of an object that are the same for compile. */
  fingerprint(object: RawObject): string;
}

/**
 * A change of spec increases the generation of a custom resource; changes of status, annotations and labels do not. Policies select by
 * labels, so these are added.
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
const GATEWAY_EXPERIMENTAL_CRDS = 'install the experimental channel of the Gateway API 1.6 or later for XBackendTrafficPolicies';
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

/** All kinds that a controller watches. */
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
  ...OWN_POLICIES.map(({ kind }) => customKind(kind, WEIR_CRDS, true)),
  { ...customKind('XBackendTrafficPolicy', GATEWAY_EXPERIMENTAL_CRDS, true), experimental: true },
  customKind('GatewayParameters', WEIR_CRDS, false),
  customKind('Backend', WEIR_CRDS, true),
  customKind('Consumer', WEIR_CRDS, true),
  customKind('AlertRule', WEIR_CRDS, true),
  customKind('NotificationChannel', WEIR_CRDS, true),
  customKind('BackendTLSPolicy', GATEWAY_CRDS, true),
  coreKind('Service', (object) => ({
    ...base(object, null),
    spec: pick(object['spec'], ['type', 'ports', 'clusterIPs', 'ipFamilies', 'externalName']),
    // The addresses of a Service in front of proxies become those of Gateways.
    status: pick(object['status'], ['loadBalancer', 'conditions']),
  })),
  coreKind('EndpointSlice', (object) => ({
    ...base(object, ['kubernetes.io/service-name']),
    addressType: object['addressType'],
    endpoints: mapItems(object['endpoints'], (endpoint) => pick(endpoint, ['addresses', 'conditions', 'zone', 'hints'])),
    ports: mapItems(object['ports'], (port) => pick(port, ['name', 'protocol', 'port'])),
  })),
  // Most Secrets and ConfigMaps of a cluster are not for Weir: their data is neither requested nor kept.
  { ...coreKind('Secret', projectSecret), metadataOnly: true, onDemand: true },
  { ...coreKind('ConfigMap', projectConfigMap), metadataOnly: true, onDemand: true },
  coreKind('Namespace', (object) => base(object, null)),
  {
    ...coreKind('CustomResourceDefinition', projectDefinition),
    metadataOnly: true,
    optional: true,
    concerns: (name) => name.endsWith(`.${GATEWAY_GROUP}`) || name.endsWith(`.${WEIR_GROUP}`),
    fingerprint: (object) => JSON.stringify(projectDefinition(object)),
  },
];

/** Keeps all entries: a policy or a Backend names the one that it needs. Only Secrets with a reference get here. */
function projectSecret(object: RawObject): RawObject {
  const { type, data } = object;
  return { ...base(object, []), type, data: data ?? {} };
}

/** Keeps all entries, like those of a Secret, and the names of files that a cluster does not read, for a message about them. */
function projectConfigMap(object: RawObject): RawObject {
  const { metadata, ...kept } = base(object, []);
  const { annotations } = metadataOf(object);
  const files = isRecord(annotations) ? annotations[FILES_ANNOTATION] : undefined;
  const named = files === undefined ? metadata : { ...(metadata as RawObject), annotations: { [FILES_ANNOTATION]: files } };
  return { ...kept, metadata: named, data: object['data'] ?? {}, binaryData: object['binaryData'] ?? {} };
}

/** Keeps the annotations with release and channel. */
function projectDefinition(object: RawObject): RawObject {
  const { apiVersion, kind } = KINDS.CustomResourceDefinition;
  const { name, uid, annotations } = metadataOf(object);
  return { apiVersion, kind, metadata: { name, uid, annotations: pick(annotations ?? {}, [BUNDLE_VERSION, BUNDLE_CHANNEL]) } };
}

/** Kind, version and the metadata that compile reads, with these labels (null: all labels). */
function base(object: RawObject, labelNames: readonly string[] | null): Record<string, unknown> {
  const metadata = pick(object['metadata'], ['name', 'namespace', 'uid', 'generation', 'creationTimestamp']) as Record<string, unknown>;
  const labels = metadataOf(object)['labels'];
  const kept = labelNames === null ? labels : pick(labels, labelNames);
  if (kept !== undefined && labelNames?.length !== 0) metadata['labels'] = kept;
  return { apiVersion: object['apiVersion'], kind: object['kind'], metadata };
}

/** The metadata of an object; empty if there is none. */
export function metadataOf(object: RawObject): RawObject {
  const metadata = object['metadata'];
  return isRecord(metadata) ? metadata : {};
}

/** The existing ones of these fields. A value that is not an object is returned as it is, for validation. */
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
