// The claims of a route: the listeners that a parentRef selects, those that allow the route, and their common hosts.
import type { ParentReference } from '#api/k8s/k8s.ts';
import { intersectAll } from './hostnames.ts';
import type { AttachableListener } from './listener.ts';
import { admits } from './namespaces.ts';
import { sameKind, type RouteKind } from './route-kinds.ts';
import type { View } from './view.ts';

/** The parts of a route that attachment depends on. */
export interface Attaching {
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly parentRefs: readonly ParentReference[];
}

/** A listener and its host names in common with the route; at least one. */
export interface Claim {
  readonly listener: AttachableListener;
  readonly hostnames: readonly string[];
}

/** The listeners that remain after each step; each list is a part of the one before. */
export interface Claims {
  readonly named: readonly AttachableListener[];
  readonly allowing: readonly AttachableListener[];
  readonly agreed: readonly Claim[];
}

/** The claims of a parentRef to an object with these listeners. */
export function claimsOf(view: View, route: Attaching, parentRef: ParentReference, listeners: readonly AttachableListener[]): Claims {
  const named = listeners.filter((listener) => isNamed(listener, parentRef));
  const ownNamespace = parentRef.namespace ?? route.namespace;
  const allowing = named.filter((listener) => allows(view, listener, route, ownNamespace));
  const agreed = allowing
    .map((listener) => ({ listener, hostnames: intersectAll(listener.hostname, route.hostnames) }))
    .filter(({ hostnames }) => hostnames.length > 0);
  return { named, allowing, agreed };
}

function isNamed(listener: AttachableListener, { sectionName, port }: ParentReference): boolean {
  return (sectionName === undefined || listener.name === sectionName) && (port === undefined || listener.port === port);
}

function allows(view: View, listener: AttachableListener, route: Attaching, ownNamespace: string): boolean {
  return listener.kinds.some((kind) => sameKind(kind, route.kind)) && admits(view, listener.namespaces, route.namespace, ownNamespace);
}
