// What all units together yield, and what of it has changed since the last flush.
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { KIND_ORDER, encodeResource, resourceId, type EncodedResource, type Resource } from '#api/ir/ir.ts';
import type { CompileDelta, DesiredFleet, DesiredStatus } from './result.ts';

interface KnownFleet {
  readonly fleet: DesiredFleet;
  readonly text: string;
}

interface KnownStatus {
  readonly status: DesiredStatus;
  readonly text: string;
}

/** What changed between two flushes. */
export type OutputDelta = Pick<CompileDelta, 'changed' | 'removed' | 'statuses' | 'forgotten' | 'fleets' | 'fleetsGone'>;

/** Resources by id and statuses by object. Remembers how each was at the last flush, so a detour back to it is no change. */
export class Outputs {
  readonly #resources = new Map<string, EncodedResource>();
  readonly #statuses = new Map<string, KnownStatus>();
  readonly #fleets = new Map<string, KnownFleet>();
  readonly #fleetsBefore = new Map<string, KnownFleet | undefined>();
  readonly #resourcesBefore = new Map<string, EncodedResource | undefined>();
  readonly #statusesBefore = new Map<string, KnownStatus | undefined>();

  /** Everything that should be served now. */
  resources(): Iterable<EncodedResource> {
    return this.#resources.values();
  }

  /** Every status that should be written now. */
  *statuses(): Iterable<DesiredStatus> {
    for (const known of this.#statuses.values()) yield known.status;
  }

  /** Puts a resource in place and answers its id. */
  putResource(resource: Resource): string {
    const id = resourceId(resource.kind, resource.key);
    const before = this.#resources.get(id);
    const after = encodeResource(resource);
    if (before?.version === after.version) return id;
    if (!this.#resourcesBefore.has(id)) this.#resourcesBefore.set(id, before);
    this.#resources.set(id, after);
    return id;
  }

  /** Takes a resource away. */
  removeResource(id: string): void {
    if (!this.#resourcesBefore.has(id)) this.#resourcesBefore.set(id, this.#resources.get(id));
    this.#resources.delete(id);
  }

  /** Every fleet that should be there now. */
  *fleets(): Iterable<DesiredFleet> {
    for (const known of this.#fleets.values()) yield known.fleet;
  }

  /** Puts a fleet in place and answers the key of its Gateway. */
  putFleet(fleet: DesiredFleet): string {
    const before = this.#fleets.get(fleet.gateway);
    const text = JSON.stringify(fleet);
    if (before?.text === text) return fleet.gateway;
    if (!this.#fleetsBefore.has(fleet.gateway)) this.#fleetsBefore.set(fleet.gateway, before);
    this.#fleets.set(fleet.gateway, { fleet, text });
    return fleet.gateway;
  }

  /** Takes a fleet away. */
  removeFleet(gateway: string): void {
    if (!this.#fleetsBefore.has(gateway)) this.#fleetsBefore.set(gateway, this.#fleets.get(gateway));
    this.#fleets.delete(gateway);
  }

  /** Puts a status in place and answers the id of its object. */
  putStatus(status: DesiredStatus): string {
    const id = objectId(status.ref);
    const before = this.#statuses.get(id);
    const text = JSON.stringify(status);
    if (before?.text === text) return id;
    if (!this.#statusesBefore.has(id)) this.#statusesBefore.set(id, before);
    this.#statuses.set(id, { status, text });
    return id;
  }

  /** Takes a status away: the object is gone, or no longer ours. */
  removeStatus(id: string): void {
    if (!this.#statusesBefore.has(id)) this.#statusesBefore.set(id, this.#statuses.get(id));
    this.#statuses.delete(id);
  }

  /** What differs from the last flush, in an order that does not depend on how it came about. */
  flush(): OutputDelta {
    const changed: EncodedResource[] = [];
    const removed: EncodedResource[] = [];
    for (const [id, before] of this.#resourcesBefore) {
      const after = this.#resources.get(id);
      if (after !== undefined && after.version !== before?.version) changed.push(after);
      if (after === undefined && before !== undefined) removed.push(before);
    }
    this.#resourcesBefore.clear();
    return {
      changed: changed.sort(byKindAndKey),
      removed: removed.sort(byKindAndKey).map(({ kind, key }) => ({ kind, key })),
      ...this.#flushStatuses(),
      ...this.#flushFleets(),
    };
  }

  #flushFleets(): Pick<OutputDelta, 'fleets' | 'fleetsGone'> {
    const fleets: DesiredFleet[] = [];
    const fleetsGone: string[] = [];
    for (const [gateway, before] of [...this.#fleetsBefore].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const after = this.#fleets.get(gateway);
      if (after !== undefined && after.text !== before?.text) fleets.push(after.fleet);
      if (after === undefined && before !== undefined) fleetsGone.push(gateway);
    }
    this.#fleetsBefore.clear();
    return { fleets, fleetsGone };
  }

  #flushStatuses(): Pick<OutputDelta, 'statuses' | 'forgotten'> {
    const statuses: DesiredStatus[] = [];
    const forgotten: ObjectRef[] = [];
    for (const [id, before] of [...this.#statusesBefore].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const after = this.#statuses.get(id);
      if (after !== undefined && after.text !== before?.text) statuses.push(after.status);
      if (after === undefined && before !== undefined) forgotten.push(before.status.ref);
    }
    this.#statusesBefore.clear();
    return { statuses, forgotten };
  }
}

function byKindAndKey(a: EncodedResource, b: EncodedResource): number {
  return KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind) || (a.key < b.key ? -1 : 1);
}
