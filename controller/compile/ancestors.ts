// The Gateways through which routes and their backends take effect: the ancestors in policy statuses (GEP-713).
import type { ParentReference } from '#api/k8s/k8s.ts';
import { objectId, type ObjectMeta, type ObjectRef } from '#api/k8s/object.ts';
import { parentOf } from '#api/k8s/reference.ts';
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import { attachableUnit } from './attachable.ts';
import type { ParentRef } from './result.ts';
import { splitId, type View } from './view.ts';

interface AnyRoute {
  readonly metadata: ObjectMeta;
  readonly spec: { readonly parentRefs: readonly ParentReference[] };
}

/** The Gateways of this controller that are parents of the routes, also through ListenerSets, without duplicates. */
export function gatewaysOf(view: View, routes: readonly AnyRoute[]): readonly ParentRef[] {
  const ids = routes.flatMap(({ metadata, spec }) =>
    spec.parentRefs.flatMap((ref) => {
      const parent = parentOf(ref, metadata.namespace ?? '');
      const gateway = parent === null ? null : gatewayOf(view, parent);
      return gateway === null ? [] : [objectId(gateway)];
    }),
  );
  return [...new Set(ids)].sort().flatMap((id) => (view.read(attachableUnit, id) === null ? [] : [ancestorRef(splitId(id))]));
}

/** The Gateways of this controller whose routes refer to a Service or Backend (id), without duplicates. */
export function gatewaysTo(view: View, backend: string): readonly ParentRef[] {
  return gatewaysOf(view, [...view.list('routesByBackend', backend), ...view.list('streamRoutesByBackend', backend)]);
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
