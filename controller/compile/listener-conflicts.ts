// Listeners of ListenerSets that conflict with listeners of higher precedence in the same Gateway: those of the Gateway, then of older
// ListenerSets, then by `namespace/name` (GEP-1713, listener precedence).
import type { Gateway, ListenerSet } from '#api/k8s/k8s.ts';
import { byAge } from './age.ts';
import type { ListenerConflict } from './conditions.ts';
import { ListenerClaims, claimsAmong } from './conflicts.ts';
import { admits } from './namespaces.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** The conflicts of the listeners of one ListenerSet, by listener name. */
export type SetConflicts = ReadonlyMap<string, ListenerConflict>;

const NONE: SetConflicts = new Map();

/** Key: `<namespace>/<name>` of a Gateway. The conflicts of its ListenerSets, by `<namespace>/<name>`. */
const listenerConflictsUnit: UnitKind<ReadonlyMap<string, SetConflicts>> = {
  name: 'listener-conflicts',
  stage: 'leaf',
  fallback: () => new Map(),
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const gateway = view.object('Gateway', namespace, name);
    return valueOnly(gateway === undefined ? new Map() : conflictsOn(gateway, setsOf(view, gateway)));
  },
};

/** Key: `<namespace>/<name>` of a ListenerSet. Separate from the whole, so that conflicts of other sets do not recompile it. */
export const setConflictsUnit: UnitKind<SetConflicts> = {
  name: 'set-conflicts',
  stage: 'parent',
  fallback: () => new Map(),
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const set = view.object('ListenerSet', namespace, name);
    if (set === undefined) return valueOnly(NONE);
    const { parentRef } = set.spec;
    const gateway = `${parentRef.namespace ?? namespace}/${parentRef.name}`;
    return valueOnly(view.read(listenerConflictsUnit, gateway).get(key) ?? NONE);
  },
};

/** The sets that the Gateway admits, in order of precedence. */
function setsOf(view: View, gateway: Gateway): readonly ListenerSet[] {
  const { namespace = '', name } = gateway.metadata;
  const { namespaces } = gateway.spec.allowedListeners;
  const sets = view.list('listenerSetsByGateway', `${namespace}/${name}`);
  return byAge(sets.filter((set) => admits(view, namespaces, set.metadata.namespace ?? '', namespace)));
}

/**
 * A listener that lost a conflict claims nothing from later ones. A listener in conflict with another of the same object does: a mistake
 * in one object must not hand its traffic to another object.
 */
function conflictsOn(gateway: Gateway, sets: readonly ListenerSet[]): ReadonlyMap<string, SetConflicts> {
  const taken = new ListenerClaims();
  for (const listener of gateway.spec.listeners) taken.add(listener, `listener ${listener.name} of the Gateway`);
  const found = new Map<string, SetConflicts>();
  for (const { metadata, spec } of sets) {
    const conflicts = new Map<string, ListenerConflict>();
    const left = spec.listeners.filter((listener) => !note(conflicts, listener.name, taken.conflictOf(listener)));
    const own = claimsAmong(left);
    for (const listener of left) note(conflicts, listener.name, own.conflictOf(listener));
    // The message must not reveal which object owns the listener.
    for (const listener of left) taken.add(listener, 'a listener of a ListenerSet with higher precedence');
    if (conflicts.size > 0) found.set(`${metadata.namespace ?? ''}/${metadata.name}`, conflicts);
  }
  return found;
}

function note(conflicts: Map<string, ListenerConflict>, name: string, conflict: ListenerConflict | null): boolean {
  if (conflict !== null) conflicts.set(name, conflict);
  return conflict !== null;
}
