// The Gateways through which routes and their backends take effect: the ancestors in policy statuses (GEP-713).
import type { ParentReference } from '#api/k8s/k8s.ts';
import { objectId, type ObjectMeta, type ObjectRef } from '#api/k8s/object.ts';
import { parentOf } from '#api/k8s/reference.ts';
import type { PolicyTargetRef } from '#api/k8s/policy.ts';
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import { attachableUnit } from './attachable.ts';
import { targetsOf } from './policy-targets.ts';
import type { ParentRef } from './result.ts';
import { splitId, type View } from './view.ts';

interface AnyRoute {
  readonly metadata: ObjectMeta;
  readonly spec: { readonly parentRefs: readonly ParentReference[] };
}

/** The Gateways of this controller that are parents of the routes, also through ListenerSets, without duplicates. */
export function gatewaysOf(view: View, routes: readonly AnyRoute[]): readonly ParentRef[] {
  return served(view, parentsOf(view, routes));
}

/** The Gateways of this controller whose requests may come to a Service or Backend (id): by a route, or as a fallback. */
export function gatewaysTo(view: View, backend: string): readonly ParentRef[] {
  const byFallback = view.list('policiesByFallback', backend).flatMap((policy) => {
    const namespace = policy.metadata.namespace ?? '';
    return targetsOf(view, policy).flatMap((ref) => gatewaysOfTarget(view, namespace, ref));
  });
  return served(view, [...gatewaysByRoute(view, backend), ...byFallback]);
}

/** Of Gateways (ids), those that this controller serves, sorted, each once. */
function served(view: View, ids: readonly string[]): readonly ParentRef[] {
  return [...new Set(ids)].sort().flatMap((id) => (view.read(attachableUnit, id) === null ? [] : [ancestorRef(splitId(id))]));
}

/** The ids of the Gateways of routes. */
function parentsOf(view: View, routes: readonly AnyRoute[]): readonly string[] {
  return routes.flatMap(({ metadata, spec }) =>
    spec.parentRefs.flatMap((ref) => {
      const parent = parentOf(ref, metadata.namespace ?? '');
      const gateway = parent === null ? null : gatewayOf(view, parent);
      return gateway === null ? [] : [objectId(gateway)];
    }),
  );
}

function gatewaysByRoute(view: View, backend: string): readonly string[] {
  return parentsOf(view, [...view.list('routesByBackend', backend), ...view.list('streamRoutesByBackend', backend)]);
}

/** The ids of the Gateways of a policy's target. Of a backend only the routes count: fallbacks have no fallback. */
function gatewaysOfTarget(view: View, namespace: string, { kind, name }: PolicyTargetRef): readonly string[] {
  switch (kind) {
    case 'Gateway':
    case 'ListenerSet': {
      const gateway = gatewayOf(view, { kind, namespace, name });
      return gateway === null ? [] : [objectId(gateway)];
    }
    case 'HTTPRoute':
    case 'GRPCRoute': {
      const route = view.object(kind, namespace, name);
      return route === undefined ? [] : parentsOf(view, [route]);
    }
    default:
      return gatewaysByRoute(view, `${kind}/${namespace}/${name}`);
  }
}

/** The reference to an object of the Gateway API in `status.ancestors`. */
export function ancestorRef({ kind, namespace, name }: ObjectRef): ParentRef {
  return { group: GATEWAY_GROUP, kind, namespace, name };
}

/** The Gateway of a parentRef; null for a ListenerSet that does not exist or has a parent of another kind. */
function gatewayOf(view: View, parent: ObjectRef): ObjectRef | null {
  if (parent.kind === 'Gateway') return parent;
  const set = view.object('ListenerSet', parent.namespace, parent.name);
  const gateway = set === undefined ? null : parentOf(set.spec.parentRef, parent.namespace);
  return gateway?.kind === 'Gateway' ? gateway : null;
}
