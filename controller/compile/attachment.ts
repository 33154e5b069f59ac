// Attachment: which listeners of its parents a route attaches to, and why not to others.
import { objectId } from '#api/k8s/object.ts';
import type { ParentReference } from '#api/k8s/k8s.ts';
import { parentOf } from '#api/k8s/reference.ts';
import type { Attachment } from '#api/ir/ir.ts';
import { didYouMean } from '#lib/nearest.ts';
import { attachableUnit } from './attachable.ts';
import { claimsOf, type Attaching, type Claim } from './claims.ts';
import type { AttachObstacle } from './conditions.ts';
import type { AttachableListener } from './listener.ts';
import { rivalsUnit, type Defeat } from './rivals.ts';
import { HTTP_ROUTE, GRPC_ROUTE } from './route-kinds.ts';
import type { View } from './view.ts';

/** The outcome of one parentRef to a Gateway or ListenerSet of this controller. */
export interface ParentOutcome {
  readonly parentRef: ParentReference;
  readonly attachments: readonly Attachment[];
  /** Listeners that count the route, ready or not. */
  readonly counted: readonly string[];
  /** Null if attached. */
  readonly obstacle: AttachObstacle | null;
  /** A sentence about the listeners that an attached route may use but does not get; '' if it gets all. */
  readonly exception: string;
}

/** The counter of routes attached to a listener. */
export function attachedCounter(listenerKey: string): string {
  return `attached ${listenerKey}`;
}

/** The outcome of every parentRef to a Gateway or ListenerSet of this controller; other parentRefs are left out. */
export function attach(view: View, route: Attaching): readonly ParentOutcome[] {
  return route.parentRefs.flatMap((parentRef) => {
    const parent = parentOf(parentRef, route.namespace);
    if (parent === null) return [];
    const id = objectId(parent);
    const listeners = view.read(attachableUnit, id);
    return listeners === null ? [] : [attachTo(view, route, parentRef, id, listeners)];
  });
}

/** Narrows the listeners down step by step. The first step that leaves none gives the reason. */
function attachTo(
  view: View,
  route: Attaching,
  parentRef: ParentReference,
  parent: string,
  listeners: readonly AttachableListener[],
): ParentOutcome {
  const claims = claimsOf(view, route, parentRef, listeners);
  const defeats = defeatsOf(view, route, parent);
  const won = claims.agreed.filter(({ listener }) => !defeats.some((defeat) => defeat.listener === listener.key));
  const ready = won.filter(({ listener }) => listener.ready);
  // Listeners that do not allow the route are nothing for its author to know.
  const { sectionName: _sectionName, port: _port, ...whole } = parentRef;
  const offered = () => claimsOf(view, route, whole, listeners).allowing;
  const whyNot = (): AttachObstacle => {
    if (claims.named.length === 0)
      return { reason: 'NoMatchingParent', message: `no listener has ${describe(parentRef)}${alternatives(parentRef, offered())}` };
    if (claims.allowing.length === 0) {
      const message = `no listener allows ${route.kind.kind} of namespace ${route.namespace}: ${claims.named.map(describeAllowed).join(', ')}`;
      return { reason: 'NotAllowedByListeners', message };
    }
    if (claims.agreed.length === 0) {
      const hosts = claims.allowing.map(({ hostname }) => hostname).join(', ');
      const message = `no listener has a hostname in common with ${route.hostnames.join(', ')}; the listeners have ${hosts}`;
      return { reason: 'NoMatchingListenerHostname', message };
    }
    if (won.length === 0) return { reason: 'HostnameConflict', message: describeDefeats(defeats, claims.agreed) };
    return { reason: 'NoReadyListeners', message: 'no listener that the route may attach to is accepted' };
  };
  return {
    parentRef,
    attachments: ready.map(({ listener, hostnames }) => ({ listener: listener.key, hostnames: [...hostnames] })),
    counted: won.map(({ listener }) => listener.key),
    obstacle: ready.length > 0 ? null : whyNot(),
    exception: won.length === claims.agreed.length ? '' : describeDefeats(defeats, claims.agreed),
  };
}

/** HTTPRoutes and GRPCRoutes exclude each other on a host; other kinds have no rivals. */
function defeatsOf(view: View, { kind, namespace, name }: Attaching, parent: string): readonly Defeat[] {
  if (kind !== HTTP_ROUTE && kind !== GRPC_ROUTE) return [];
  const id = objectId({ kind: kind.kind, namespace, name });
  return view.read(rivalsUnit, parent).filter(({ loser }) => loser === id);
}

function describeDefeats(defeats: readonly Defeat[], claims: readonly Claim[]): string {
  const lost = claims.flatMap(({ listener }) => {
    const defeat = defeats.find((one) => one.listener === listener.key);
    return defeat === undefined ? [] : [`the older ${defeat.winner} has the same hosts on listener ${listener.name}`];
  });
  return `${lost.join(' and ')}; a listener serves a host to routes of one kind only`;
}

function describe({ sectionName, port }: ParentReference): string {
  const parts = [...(sectionName === undefined ? [] : [`name ${sectionName}`]), ...(port === undefined ? [] : [`port ${port}`])];
  return parts.join(' and ');
}

/** `; did you mean NAME?`, or the ports that there are. */
function alternatives({ sectionName, port }: ParentReference, listeners: readonly AttachableListener[]): string {
  if (listeners.length === 0) return '';
  const names = listeners.map(({ name }) => name);
  if (sectionName !== undefined && !names.includes(sectionName))
    return didYouMean(sectionName, names) || `; the names are ${names.join(', ')}`;
  return port === undefined ? '' : `; the ports are ${[...new Set(listeners.map((listener) => listener.port))].join(', ')}`;
}

function describeAllowed({ name, kinds, namespaces }: AttachableListener): string {
  return `${name} allows ${kinds.map(({ kind }) => kind).join(' and ') || 'no kind'} from namespaces ${namespaces.from}`;
}
