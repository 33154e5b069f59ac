// Attachment: which listeners of its parents a route is attached to, and why not to others.
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import type { ParentReference, RouteNamespaces } from '#api/k8s/k8s.ts';
import type { Attachment } from '#api/ir/ir.ts';
import type { AttachObstacle } from './conditions.ts';
import { attachableUnit } from './gateway.ts';
import { intersectAll } from './hostnames.ts';
import { selects } from './label-selector.ts';
import type { AttachableListener } from './listener.ts';
import { sameKind, type RouteKind } from './route-kinds.ts';
import type { View } from './view.ts';

/** A route as far as attachment is concerned. */
export interface Attaching {
  readonly kind: RouteKind;
  readonly namespace: string;
  readonly hostnames: readonly string[];
  readonly parentRefs: readonly ParentReference[];
}

/** What became of one parentRef to a Gateway of ours. */
export interface ParentOutcome {
  readonly parentRef: ParentReference;
  readonly attachments: readonly Attachment[];
  /** Listeners that count the route, ready or not. */
  readonly counted: readonly string[];
  /** Null when attached. */
  readonly obstacle: AttachObstacle | null;
}

/** The counter of routes attached to a listener. */
export function attachedCounter(listenerKey: string): string {
  return `attached ${listenerKey}`;
}

/** The outcome for every parentRef that leads to a Gateway of ours; the others are somebody else's. */
export function attach(view: View, route: Attaching): readonly ParentOutcome[] {
  return route.parentRefs.flatMap((parentRef) => {
    if (parentRef.group !== GATEWAY_GROUP || parentRef.kind !== 'Gateway') return [];
    const listeners = view.read(attachableUnit, `${parentRef.namespace ?? route.namespace}/${parentRef.name}`);
    return listeners === null ? [] : [attachTo(view, route, parentRef, listeners)];
  });
}

/** Narrows the listeners down step by step: the step that leaves none gives the reason. */
function attachTo(view: View, route: Attaching, parentRef: ParentReference, listeners: readonly AttachableListener[]): ParentOutcome {
  const refuse = (obstacle: AttachObstacle): ParentOutcome => ({ parentRef, attachments: [], counted: [], obstacle });
  const named = listeners.filter((listener) => isNamed(listener, parentRef));
  if (named.length === 0) return refuse({ reason: 'NoMatchingParent', message: `no listener has ${describe(parentRef)}` });
  const gatewayNamespace = parentRef.namespace ?? route.namespace;
  const allowing = named.filter((listener) => allows(view, listener, route, gatewayNamespace));
  if (allowing.length === 0) {
    const message = `no listener allows ${route.kind.kind} of namespace ${route.namespace}`;
    return refuse({ reason: 'NotAllowedByListeners', message });
  }
  const agreed = allowing
    .map((listener) => ({ listener, hostnames: intersectAll(listener.hostname, route.hostnames) }))
    .filter(({ hostnames }) => hostnames.length > 0);
  if (agreed.length === 0) {
    return refuse({
      reason: 'NoMatchingListenerHostname',
      message: `no listener has a hostname in common with ${route.hostnames.join(', ')}`,
    });
  }
  const ready = agreed.filter(({ listener }) => listener.ready);
  return {
    parentRef,
    attachments: ready.map(({ listener, hostnames }) => ({ listener: listener.key, hostnames: [...hostnames] })),
    counted: agreed.map(({ listener }) => listener.key),
    obstacle: ready.length > 0 ? null : { reason: 'NoReadyListeners', message: 'no listener that the route may attach to is accepted' },
  };
}

function isNamed(listener: AttachableListener, { sectionName, port }: ParentReference): boolean {
  return (sectionName === undefined || listener.name === sectionName) && (port === undefined || listener.port === port);
}

function describe({ sectionName, port }: ParentReference): string {
  const parts = [...(sectionName === undefined ? [] : [`name ${sectionName}`]), ...(port === undefined ? [] : [`port ${port}`])];
  return parts.join(' and ');
}

function allows(view: View, listener: AttachableListener, route: Attaching, gatewayNamespace: string): boolean {
  return (
    listener.kinds.some((kind) => sameKind(kind, route.kind)) &&
    allowsNamespace(view, listener.namespaces, route.namespace, gatewayNamespace)
  );
}

function allowsNamespace(view: View, { from, selector }: RouteNamespaces, namespace: string, gatewayNamespace: string): boolean {
  switch (from) {
    case 'All':
      return true;
    case 'Same':
      return namespace === gatewayNamespace;
    case 'Selector':
      return selector !== undefined && selects(selector, labelsOf(view, namespace));
  }
}

/** Every API server sets the name label; a namespace that only files mention has it too. */
function labelsOf(view: View, namespace: string): Readonly<Record<string, string>> {
  const labels = view.object('Namespace', '', namespace)?.metadata.labels;
  return { ...labels, 'kubernetes.io/metadata.name': namespace };
}
