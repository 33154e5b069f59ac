// The statuses that objects have right now, as far as the watch has told: what the status writer compares with before it writes.
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { metadataOf } from './kinds.ts';
import type { RawObject } from './kinds.ts';

/** An object as its status writer needs it. `status` is JSON text: a tenth of the memory of its objects. */
export interface LiveStatus {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status: string;
}

/** What an API server answered for one object. */
export function liveStatusOf(ref: ObjectRef, object: RawObject): LiveStatus {
  const { uid, resourceVersion } = metadataOf(object);
  return { ref, uid: String(uid), resourceVersion: String(resourceVersion), status: JSON.stringify(object['status'] ?? {}) };
}

/** The live statuses of the kinds whose status Weir writes. */
export class LiveStatuses {
  readonly #objects = new Map<string, LiveStatus>();
  /** Told of every new form of an object. */
  #changed: (live: LiveStatus) => void = () => undefined;

  /** Sets who is told of changes. */
  onChange(changed: (live: LiveStatus) => void): void {
    this.#changed = changed;
  }

  get(ref: ObjectRef): LiveStatus | undefined {
    return this.#objects.get(objectId(ref));
  }

  all(): Iterable<LiveStatus> {
    return this.#objects.values();
  }

  set(live: LiveStatus): void {
    this.#objects.set(objectId(live.ref), live);
    this.#changed(live);
  }

  delete(ref: ObjectRef): void {
    this.#objects.delete(objectId(ref));
  }
}
