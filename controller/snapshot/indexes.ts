// The indexes of the store: for each key that compile asks for, the objects under it.
import { objectId } from '#api/k8s/object.ts';
import { parentOf } from '#api/k8s/reference.ts';
import { coveringPatterns } from '#api/match/hostname.ts';
import type { BackendObjectReference, GrpcRoute, HttpRoute, Listener } from '#api/k8s/k8s.ts';
import type { KindName, ObjectsByKind } from '#api/k8s/kinds.ts';
import { POLICIES, type PolicyKindName } from '#api/k8s/policies.ts';

/** The label of an EndpointSlice with the name of its Service. */
const SERVICE_NAME = 'kubernetes.io/service-name';

const POLICY_KIND_NAMES: readonly PolicyKindName[] = POLICIES.map(({ kind }) => kind);

interface Index<K extends KindName> {
  readonly kinds: readonly K[];
  /** The keys an object is found under. */
  keys(object: ObjectsByKind[K]): readonly string[];
}

function index<const K extends KindName>(kinds: readonly K[], keys: (object: ObjectsByKind[K]) => readonly string[]): Index<K> {
  return { kinds, keys };
}

/** The ids of the Gateways and ListenerSets in the parentRefs of a route, without duplicates. */
function parentsOf({ metadata, spec }: HttpRoute | GrpcRoute): string[] {
  const parents = spec.parentRefs.map((ref) => parentOf(ref, metadata.namespace ?? '')).filter((parent) => parent !== null);
  return [...new Set(parents.map(objectId))];
}

/** The host names of a route; a pattern for all hosts if it has none. */
export function hostPatternsOf({ spec }: HttpRoute | GrpcRoute): readonly string[] {
  return spec.hostnames.length === 0 ? [''] : spec.hostnames;
}

/** Key of the routes of a parent (id) that have exactly this host name. */
export function hostKey(parent: string, pattern: string): string {
  return `${parent}|${pattern}`;
}

/** Key of the routes of a parent (id) that have a host name which the pattern covers. */
export function coveredHostKey(parent: string, pattern: string): string {
  return `${parent}|within ${pattern}`;
}

/** The Secrets (`<namespace>/<name>`) in the namespace of a listener with which it terminates TLS. */
export function certificateSecrets({ tls }: Listener, own: string): readonly string[] {
  if (tls?.mode !== 'Terminate') return [];
  const refs = tls.certificateRefs.filter(({ group, kind, namespace }) => group === '' && kind === 'Secret' && (namespace ?? own) === own);
  return refs.map(({ name }) => `${own}/${name}`);
}

/** Every index, with the kind it holds. */
export const INDEXES = {
  /** Key: `<namespace>/<service name>`. */
  endpointSlicesByService: index(['EndpointSlice'], ({ metadata }) => {
    const service = metadata.labels?.[SERVICE_NAME];
    return service === undefined ? [] : [`${metadata.namespace ?? ''}/${service}`];
  }),
  /** Key: `<namespace>/<name>` of a Gateway. */
  listenerSetsByGateway: index(['ListenerSet'], ({ metadata, spec: { parentRef } }) => {
    const gateway = parentOf(parentRef, metadata.namespace ?? '');
    return gateway?.kind === 'Gateway' ? [`${gateway.namespace}/${gateway.name}`] : [];
  }),
  /** Gateways and ListenerSets with a Secret of their namespace as a certificate. Key: `<namespace>/<name>` of the Secret. */
  holdersByCertificate: index(['Gateway', 'ListenerSet'], ({ metadata: { namespace = '' }, spec }) => [
    ...new Set(spec.listeners.flatMap((listener) => certificateSecrets(listener, namespace))),
  ]),
  /** Key: the id of a Gateway or ListenerSet. */
  grpcRoutesByParent: index(['GRPCRoute'], parentsOf),
  /** Keys: those of hostKey and coveredHostKey, for every parent and host name. */
  httpRoutesByHost: index(['HTTPRoute'], (route) => {
    const patterns = hostPatternsOf(route);
    const covering = new Set(patterns.flatMap((pattern) => [...coveringPatterns(pattern)]));
    return parentsOf(route).flatMap((parent) => [
      ...new Set(patterns.map((pattern) => hostKey(parent, pattern))),
      ...[...covering].map((pattern) => coveredHostKey(parent, pattern)),
    ]);
  }),
  /** Key: a namespace. */
  channelsByNamespace: index(['NotificationChannel'], ({ metadata }) => [metadata.namespace ?? '']),
  consumersByNamespace: index(['Consumer'], ({ metadata }) => [metadata.namespace ?? '']),
  /** Key: an API group. */
  definitionsByGroup: index(['CustomResourceDefinition'], ({ metadata: { name } }) => [name.slice(name.indexOf('.') + 1)]),
  /** Key: the namespace to whose objects the grants give access. */
  grantsByNamespace: index(['ReferenceGrant'], ({ metadata }) => [metadata.namespace ?? '']),
  /** Keys: `<policy kind>|<kind>/<namespace>/<name>` for targets by name, `<policy kind>|<kind>/<namespace>` for targets by label. */
  policiesByTarget: index(POLICY_KIND_NAMES, ({ kind, metadata: { namespace = '' }, spec }) => [
    ...new Set([
      ...spec.targetRefs.map((ref) => `${kind}|${ref.kind}/${namespace}/${ref.name}`),
      ...spec.targetSelectors.map((selector) => `${kind}|${selector.kind}/${namespace}`),
    ]),
  ]),
  /** Key: the family of a metric. */
  telemetryPoliciesByMetric: index(['TelemetryPolicy'], ({ spec }) => [
    ...new Set((spec.metrics ?? []).map(({ name }) => metricFamilyOf(name))),
  ]),
  /** Policies with a Service or Backend as their fallback. Key: `<kind>/<namespace>/<name>`. */
  policiesByFallback: index(['BackendTrafficPolicy'], ({ metadata, spec }) => {
    const ref = spec.fallback?.backendRef;
    return ref === undefined ? [] : [`${ref.kind}/${ref.namespace ?? metadata.namespace ?? ''}/${ref.name}`];
  }),
  /** Objects that policies may target by label. Key: `<kind>/<namespace>`. */
  targetsByNamespace: index(
    ['Gateway', 'ListenerSet', 'HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'Service', 'Backend'],
    ({ kind, metadata: { namespace = '' } }) => [`${kind}/${namespace}`],
  ),
  /** Routes that send requests to a Service or Backend. Key: `<kind>/<namespace>/<name>`. */
  routesByBackend: index(['HTTPRoute', 'GRPCRoute'], ({ metadata, spec }) => {
    const refs = spec.rules.flatMap((rule): readonly BackendObjectReference[] => rule.backendRefs);
    return [...new Set(refs.map(({ kind, namespace = metadata.namespace ?? '', name }) => `${kind}/${namespace}/${name}`))];
  }),
  /** The same for routes that send connections. */
  streamRoutesByBackend: index(['TCPRoute', 'TLSRoute'], ({ metadata, spec }) => {
    const refs = spec.rules.flatMap((rule): readonly BackendObjectReference[] => rule.backendRefs);
    return [...new Set(refs.map(({ kind, namespace = metadata.namespace ?? '', name }) => `${kind}/${namespace}/${name}`))];
  }),
  /** Key: `<group>/<kind>/<namespace>/<name>` of the policy's targets. */
  backendTlsPoliciesByTarget: index(['BackendTLSPolicy'], ({ metadata, spec }) => [
    ...new Set(spec.targetRefs.map(({ group, kind, name }) => `${group}/${kind}/${metadata.namespace ?? ''}/${name}`)),
  ]),
} as const;

export type IndexName = keyof typeof INDEXES;

/** The type of the objects in an index. */
export type Indexed<I extends IndexName> = ObjectsByKind[(typeof INDEXES)[I]['kinds'][number]];

/** `<index>:<key>` for every index entry of an object. */
export function cellsOf(object: { readonly kind: string }): string[] {
  return Object.entries(INDEXES).flatMap(([name, { kinds, keys }]) =>
    (kinds as readonly string[]).includes(object.kind) ? keys(object as never).map((key) => indexCell(name as IndexName, key)) : [],
  );
}

/** The name of one key of one index. */
export function indexCell(name: IndexName, key: string): string {
  return `${name}:${key}`;
}

/** The name that metrics share in an exposition: OpenMetrics knows a counter without `_total`. */
export function metricFamilyOf(name: string): string {
  return name.replace(/_total$/, '');
}
