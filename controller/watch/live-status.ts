// The live statuses of objects, from the watch. The status writer compares with them before it writes.
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { metadataOf } from './kinds.ts';
import type { RawObject } from './kinds.ts';

/** An object as the status writer needs it. `status` is JSON text, which takes a tenth of the memory of parsed objects. */
export interface LiveStatus {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status: string;
}

/** From the API server's answer for one object. */
export function liveStatusOf(ref: ObjectRef, object: RawObject): LiveStatus {
  const { uid, resourceVersion } = metadataOf(object);
  return { ref, uid: String(uid), resourceVersion: String(resourceVersion), status: JSON.stringify(object['status'] ?? {}) };
}

/** The live statuses of the kinds whose status Weir writes. */
export class LiveStatuses {
  readonly #objects = new Map<string, LiveStatus>();
  /** Called with every new version of an object. */
  #changed: (live: LiveStatus) => void = () => undefined;

  /** Sets the callback for changes. */
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
