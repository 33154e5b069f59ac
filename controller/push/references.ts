// The names under which a resource is needed, and the names that it needs itself. Scopes are made of these.
//
//     Gateway <─ Listener <─ Route, StreamRoute <─ Cluster <─ Endpoints
//                   │                                └────── TrustBundle
//                   └── Secret, TrustBundle             Policy: needed for each of its targets
//
// An arrow points to the resource that needs the other. There are no cycles. Resources are named by their ids, objects that are no
// resources (what policies target) by `<kind>/<namespace>/<name>`.
import { encodeResource, parseListenerKey, resourceId } from '#api/ir/ir.ts';
import type { Cluster, EncodedResource, Filter, Listener, Resource, Route, StreamRoute } from '#api/ir/ir.ts';
import { backendTargets, objectOf } from '#api/policy/layers.ts';

/** Each name occurs once. */
export interface References {
  /** A resource is in a scope as long as the scope needs one of these names. */
  readonly names: readonly string[];
  /** The names that a scope needs when the resource is in it. */
  readonly needs: readonly string[];
}

/** The name of a Gateway `<namespace>/<name>`. */
export function gatewayName(gateway: string): string {
  return `Gateway/${gateway}`;
}

/** Undoes gatewayName. */
export function gatewayOfName(name: string): string {
  return name.slice('Gateway/'.length);
}

/** Reads the references of a resource. The bodies of kinds without references are not parsed. */
export function referencesOf({ kind, key, body }: EncodedResource): References {
  switch (kind) {
    case 'Secret':
    case 'TrustBundle':
      return { names: [resourceId(kind, key)], needs: [] };
    case 'Endpoints':
      return { names: [resourceId('Cluster', key)], needs: [] };
    default:
      return ofBody(parse(body));
  }
}

/** The resource without references to invisible names; the same object if all are visible. */
export function restrict(encoded: EncodedResource, isVisible: (name: string) => boolean): EncodedResource {
  const resource = parse(encoded.body);
  switch (resource.kind) {
    case 'Route':
    case 'StreamRoute':
      return encodeResource({ ...resource, attachments: resource.attachments.filter(({ listener }) => isVisible(listenerName(listener))) });
    case 'Policy':
      return encodeResource({ ...resource, targets: resource.targets.filter((target) => isVisible(objectOf(target))) });
    default:
      return encoded;
  }
}

function parse(body: Buffer): Resource {
  return JSON.parse(body.toString()) as Resource;
}

type Speaking = Exclude<Resource, { kind: 'Secret' | 'TrustBundle' | 'Endpoints' }>;

function ofBody(resource: Resource): References {
  const speaking = resource as Speaking;
  return { names: unique(namesOf(speaking)), needs: unique(needsOf(speaking)) };
}

function namesOf(resource: Speaking): string[] {
  switch (resource.kind) {
    case 'Listener':
      return [gatewayName(resource.gateway)];
    case 'Route':
    case 'StreamRoute':
      return resource.attachments.map(({ listener }) => listenerName(listener));
    case 'Cluster':
      return [resourceId('Cluster', resource.key)];
    case 'Policy':
      return resource.targets.map(objectOf);
  }
}

function needsOf(resource: Speaking): string[] {
  switch (resource.kind) {
    case 'Listener':
      return needsOfListener(resource);
    case 'Route':
      return needsOfRoute(resource);
    case 'StreamRoute':
      return [objectName(resource), ...clusterNames(resource.backends.map(({ cluster }) => cluster))];
    case 'Cluster':
      return needsOfCluster(resource);
    case 'Policy':
      return [];
  }
}

function needsOfListener({ key, tls, clientCertificate }: Listener): string[] {
  const { certificates = [], clientValidation } = tls ?? {};
  const secrets = clientCertificate === undefined ? certificates : [...certificates, clientCertificate];
  const { listenerSet } = parseListenerKey(key);
  return [
    listenerName(key),
    // Not its Gateway: that needs the listener, not the other way round.
    ...(listenerSet === null ? [] : [objectOf({ kind: 'ListenerSet', ...listenerSet, section: '' })]),
    ...secrets.map((secret) => resourceId('Secret', secret)),
    ...(clientValidation?.authorities ?? []).map((bundle) => resourceId('TrustBundle', bundle)),
  ];
}

function needsOfRoute(route: Route): string[] {
  const clusters = route.backends.flatMap((backend) => [backend.cluster, ...mirrors(backend.filters)]);
  return [objectName(route), ...clusterNames([...clusters, ...mirrors(route.filters)])];
}

function objectName({ objectKind, namespace, name }: Route | StreamRoute): string {
  return objectOf({ kind: objectKind, namespace, name, section: '' });
}

function needsOfCluster({ key, tls }: Cluster): string[] {
  const authorities = tls?.authorities ?? [];
  const bundles = authorities === 'System' ? [] : authorities;
  return [...backendTargets(key).map(objectOf), ...bundles.map((bundle) => resourceId('TrustBundle', bundle))];
}

function mirrors(filters: readonly Filter[]): string[] {
  return filters.flatMap((filter) => (filter.type === 'RequestMirror' ? [filter.cluster] : []));
}

function clusterNames(clusters: readonly (string | null)[]): string[] {
  return clusters.flatMap((cluster) => (cluster === null ? [] : [resourceId('Cluster', cluster)]));
}

function listenerName(key: string): string {
  return resourceId('Listener', key);
}

function unique(names: readonly string[]): readonly string[] {
  return names.length < 2 ? names : [...new Set(names)];
}
