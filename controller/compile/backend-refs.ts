// Resolves references to backends: the key of a cluster, or the problem of the reference.
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import type { BackendObjectReference } from '#api/k8s/k8s.ts';
import { clusterUnit, type ClusterOutcome } from './backend.ts';
import { formatClusterKey, type ClusterKey } from './cluster-key.ts';
import type { BackendObstacle } from './conditions.ts';
import { isPermitted, type Referrer } from './reference-grant.ts';
import type { View } from './view.ts';

/** Either the cluster or the obstacle. */
export type BackendResolution =
  { readonly cluster: string; readonly obstacle: null } | { readonly cluster: null; readonly obstacle: BackendObstacle };

/** A route or policy that refers to backends, and the kind of traffic that it sends. */
export interface RouteReferrer extends Referrer {
  readonly carries: keyof ClusterOutcome;
}

/** Resolves the reference at `field` of the referrer; the obstacle's message begins with that field. */
export function resolveBackendRef(view: View, from: RouteReferrer, ref: BackendObjectReference, field: string): BackendResolution {
  const { cluster, obstacle } = resolveBackend(view, from, ref);
  if (cluster !== null) return { cluster, obstacle };
  return { cluster, obstacle: { ...obstacle, message: `${field}: ${obstacle.message}` } };
}

/** The same without the field in the message. Checks the permission before the existence, so that a status does not reveal objects of other namespaces. */
export function resolveBackend(view: View, from: RouteReferrer, ref: BackendObjectReference): BackendResolution {
  const key = clusterKeyOf(from, ref);
  if ('reason' in key) return { cluster: null, obstacle: key };
  const referent = { group: ref.group, kind: ref.kind, namespace: key.namespace, name: ref.name };
  if (!isPermitted(view, from, referent)) {
    const target = `${ref.kind}/${key.namespace}/${ref.name}`;
    const message = `no ReferenceGrant permits ${from.kind} of namespace ${from.namespace} to refer to ${target}; create one in namespace ${key.namespace}`;
    return { cluster: null, obstacle: { reason: 'RefNotPermitted', message } };
  }
  const cluster = formatClusterKey(key);
  const obstacle = view.read(clusterUnit, cluster)[from.carries];
  return obstacle === null ? { cluster, obstacle } : { cluster: null, obstacle };
}

function clusterKeyOf(from: RouteReferrer, ref: BackendObjectReference): ClusterKey | BackendObstacle {
  const namespace = ref.namespace ?? from.namespace;
  if (ref.group === WEIR_GROUP && ref.kind === 'Backend') return { kind: 'Backend', namespace, name: ref.name };
  if (ref.group !== '' || ref.kind !== 'Service') {
    return { reason: 'InvalidKind', message: `${ref.kind} of group "${ref.group}" cannot be a backend` };
  }
  if (ref.port === undefined) return { reason: 'BackendNotFound', message: `Service/${namespace}/${ref.name}: port is required` };
  return { kind: 'Service', namespace, name: ref.name, port: ref.port, transport: from.carries === 'datagrams' ? 'UDP' : 'TCP' };
}
