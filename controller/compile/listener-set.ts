// ListenerSets of this controller's Gateways: their listeners are served like those of the Gateway (GEP-1713).
import type { Gateway, ListenerSet } from '#api/k8s/k8s.ts';
import { parentOf } from '#api/k8s/reference.ts';
import type { ListenerSetObstacle } from './conditions.ts';
import { overlappingTls } from './conflicts.ts';
import { fleetPorts } from './fleet-ports.ts';
import { gatewayFrameUnit, type GatewayFrame } from './gateway-frame.ts';
import { setConflictsUnit } from './listener-conflicts.ts';
import { attachableOf, compileListener, toServe, unservedListener, type AttachableListener, type CompiledListener } from './listener.ts';
import { admits } from './namespaces.ts';
import type { FleetPort } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** A compiled ListenerSet, without the parts that depend on routes. */
export interface CompiledListenerSet {
  /** `<namespace>/<name>` of the Gateway. */
  readonly gateway: string;
  readonly obstacle: ListenerSetObstacle | null;
  readonly attachable: readonly AttachableListener[];
  /** Empty if an obstacle prevents the whole set from being served. */
  readonly listeners: readonly CompiledListener[];
  /** The ports that the Service of the Gateway's proxies needs for the set. */
  readonly ports: readonly FleetPort[];
}

/** The counter of accepted ListenerSets of a Gateway (`<namespace>/<name>`). */
export function attachedSetsCounter(gateway: string): string {
  return `attached sets ${gateway}`;
}

/** Key: `<namespace>/<name>`. Null if there is no such ListenerSet, or another controller serves its Gateway. */
export const listenerSetUnit: UnitKind<CompiledListenerSet | null> = {
  name: 'listener-set',
  stage: 'holder',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const set = view.object('ListenerSet', namespace, name);
    const parent = set === undefined ? null : parentOf(set.spec.parentRef, namespace);
    if (set === undefined || parent?.kind !== 'Gateway') return valueOnly(null);
    const gatewayKey = `${parent.namespace}/${parent.name}`;
    const gateway = view.object('Gateway', parent.namespace, parent.name);
    const frame = view.read(gatewayFrameUnit, gatewayKey);
    if (gateway === undefined || frame === null) return valueOnly(null);
    const obstacle = obstacleOf(view, set, gateway, frame);
    const found = { gateway: gatewayKey, obstacle };
    if (obstacle !== null) {
      // The references of a set that is not admitted are not read, since proxies must not get their content.
      const held = set.spec.listeners.map((listener) => ({ gateway, listenerSet: set, listener }));
      const attachable = held.map((listener) => attachableOf(listener, false));
      const unserved = obstacle.reason === 'NotAllowed' ? [] : held.flatMap((one) => unservedListener(one, obstacle.message) ?? []);
      return { ...valueOnly({ ...found, attachable, listeners: [], ports: [] }), resources: unserved };
    }
    const { value, ...rest } = toServe(compileListeners(view, set, gateway, frame));
    const attachable = value.map((listener) => listener.attachable);
    const counters = value.some((listener) => listener.valid) ? [attachedSetsCounter(gatewayKey)] : [];
    return { ...rest, counters, value: { ...found, attachable, listeners: value, ports: portsOf(set, value) } };
  },
};

function obstacleOf(view: View, set: ListenerSet, gateway: Gateway, frame: GatewayFrame): ListenerSetObstacle | null {
  const { namespace = '', name } = gateway.metadata;
  const { namespaces } = gateway.spec.allowedListeners;
  const own = set.metadata.namespace ?? '';
  if (!admits(view, namespaces, own, namespace)) {
    const message = `spec.allowedListeners of Gateway/${namespace}/${name} (from: ${namespaces.from}) does not admit namespace ${own}`;
    return { reason: 'NotAllowed', message };
  }
  if (frame.obstacle === null) return null;
  return { reason: 'ParentNotAccepted', message: `Gateway/${namespace}/${name} is not accepted: ${frame.obstacle.message}` };
}

function compileListeners(
  view: View,
  listenerSet: ListenerSet,
  gateway: Gateway,
  frame: GatewayFrame,
): ReturnType<typeof compileListener>[] {
  const { namespace = '', name } = listenerSet.metadata;
  const conflicts = view.read(setConflictsUnit, `${namespace}/${name}`);
  const { listeners } = listenerSet.spec;
  return listeners.map((listener) =>
    compileListener(view, {
      gateway,
      frame,
      listenerSet,
      listener,
      conflict: conflicts.get(listener.name) ?? null,
      overlaps: [
        ...overlappingTls(listener, listeners).map((other) => other.name),
        ...overlappingTls(listener, gateway.spec.listeners).map((other) => `${other.name} of the Gateway`),
      ],
    }),
  );
}

/** A listener in conflict claims no port; one that cannot be served for now keeps its port. */
function portsOf({ spec }: ListenerSet, compiled: readonly CompiledListener[]): readonly FleetPort[] {
  return fleetPorts(spec.listeners.filter((_, i) => compiled[i]?.conflicted === false));
}
