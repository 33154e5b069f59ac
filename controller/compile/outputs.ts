// The outputs of all units together, and their difference since the last flush.
import { objectId } from '#api/k8s/object.ts';
import { KIND_ORDER, encodeResource, resourceId, type EncodedResource, type Resource } from '#api/ir/ir.ts';
import { compareText } from '#lib/compare-text.ts';
import { KeptPairs } from './kept-pairs.ts';
import type { DesiredFleet, DesiredStatus, Handover } from './result.ts';
import { Tracked } from './tracked.ts';

const SECRET = resourceId('Secret', '');

/** Resources by id, statuses by object, fleets by Gateway. */
export class Outputs {
  /** The pairs in use of TLS Secrets. */
  readonly pairs: KeptPairs;
  readonly #resources = new Tracked<EncodedResource>();
  readonly #statuses = new Tracked<DesiredStatus>();
  readonly #fleets = new Tracked<DesiredFleet>();

  constructor(pairs: KeptPairs = new KeptPairs()) {
    this.pairs = pairs;
  }

  /** All current resources. */
  resources(): Iterable<EncodedResource> {
    return this.#resources.values();
  }

  /** All current statuses. */
  statuses(): Iterable<DesiredStatus> {
    return this.#statuses.values();
  }

  /** All current fleets. */
  fleets(): Iterable<DesiredFleet> {
    return this.#fleets.values();
  }

  /** Adds or replaces a resource; returns its id. */
  putResource(resource: Resource): string {
    const id = resourceId(resource.kind, resource.key);
    const encoded = encodeResource(resource);
    // Endpoints stay in use until the source of a Backend has answered, also after a change of the source.
    if (encoded.isProvisional === true && this.#resources.has(id)) return id;
    this.#resources.put(id, encoded, encoded.version);
    if (resource.kind === 'Secret') this.pairs.put(resource);
    return id;
  }

  /** Removes a resource. */
  removeResource(id: string): void {
    this.#resources.remove(id);
    if (id.startsWith(SECRET)) this.pairs.remove(id.slice(SECRET.length));
  }

  /** Adds or replaces a fleet; returns the key of its Gateway. */
  putFleet(fleet: DesiredFleet): string {
    this.#fleets.put(fleet.gateway, fleet, JSON.stringify(fleet));
    return fleet.gateway;
  }

  /** Removes a fleet. */
  removeFleet(gateway: string): void {
    this.#fleets.remove(gateway);
  }

  /** Adds or replaces a status; returns the id of its object. */
  putStatus(status: DesiredStatus): string {
    const id = objectId(status.ref);
    this.#statuses.put(id, status, JSON.stringify(status));
    return id;
  }

  /** Removes a status: the object is deleted or belongs to another controller. */
  removeStatus(id: string): void {
    this.#statuses.remove(id);
  }

  /** The difference since the last flush. Its order depends on the content only. */
  flush(): Handover {
    const resources = this.#resources.flush();
    const statuses = this.#statuses.flush();
    const fleets = this.#fleets.flush();
    return {
      changed: resources.changed.toSorted(byKindAndKey),
      removed: resources.removed.toSorted(byKindAndKey).map(({ kind, key }) => ({ kind, key })),
      statuses: statuses.changed,
      forgotten: statuses.removed.map(({ ref }) => ref),
      fleets: fleets.changed,
      fleetsGone: fleets.removed.map(({ gateway }) => gateway),
    };
  }
}

function byKindAndKey(a: EncodedResource, b: EncodedResource): number {
  return KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind) || compareText(a.key, b.key);
}
