// Handovers: the deltas that the pipeline gives to its sinks. A sink may get a part of one again.
import { resourceId } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import type { Handover } from './compile/result.ts';

export const NOTHING: Handover = { changed: [], removed: [], statuses: [], forgotten: [], fleets: [], fleetsGone: [] };

export function isNothing(delta: Handover): boolean {
  return Object.values(delta).every((items: readonly unknown[]) => items.length === 0);
}

/** One delta of both. The newer one wins if both hold the same resource, object or Gateway. */
export function merge(older: Handover, newer: Handover): Handover {
  if (isNothing(older)) return newer;
  const rest = without(older, newer);
  return {
    changed: [...rest.changed, ...newer.changed],
    removed: [...rest.removed, ...newer.removed],
    statuses: [...rest.statuses, ...newer.statuses],
    forgotten: [...rest.forgotten, ...newer.forgotten],
    fleets: [...rest.fleets, ...newer.fleets],
    fleetsGone: [...rest.fleetsGone, ...newer.fleetsGone],
  };
}

/** The older delta without everything that the newer one holds too. */
export function without(older: Handover, newer: Handover): Handover {
  if (isNothing(older)) return older;
  const resources = new Set([...newer.changed, ...newer.removed].map(({ kind, key }) => resourceId(kind, key)));
  const objects = new Set([...newer.statuses.map(({ ref }) => ref), ...newer.forgotten].map(objectId));
  const gateways = new Set([...newer.fleets.map(({ gateway }) => gateway), ...newer.fleetsGone]);
  return {
    changed: older.changed.filter(({ kind, key }) => !resources.has(resourceId(kind, key))),
    removed: older.removed.filter(({ kind, key }) => !resources.has(resourceId(kind, key))),
    statuses: older.statuses.filter(({ ref }) => !objects.has(objectId(ref))),
    forgotten: older.forgotten.filter((ref) => !objects.has(objectId(ref))),
    fleets: older.fleets.filter(({ gateway }) => !gateways.has(gateway)),
    fleetsGone: older.fleetsGone.filter((gateway) => !gateways.has(gateway)),
  };
}
