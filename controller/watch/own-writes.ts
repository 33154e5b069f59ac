// Read your writes: the objects as this process wrote them last, until the watch delivers the write or a later version. Without it a
// writer would write the same again, based on a version that is out of date.

/** A form of an object, with its resourceVersion. */
interface Versioned {
  readonly resourceVersion: string;
}

export class OwnWrites<T extends Versioned> {
  /** By id: the written form, and the version that the watch had delivered at that time (null: none). */
  readonly #written = new Map<string, { readonly basedOn: string | null; readonly after: T }>();

  /** An object was written. `watched`: its form as the watch has delivered it by now; the watch may be faster than the answer. */
  wrote(id: string, after: T, watched: T | undefined): void {
    const basedOn = watched?.resourceVersion ?? null;
    if (basedOn !== after.resourceVersion) this.#written.set(id, { basedOn, after });
  }

  /** The newest known form of an object, of which `watched` is the form that the watch has delivered. */
  latest(id: string, watched: T | undefined): T | undefined {
    const written = this.#written.get(id);
    if (written === undefined) return watched;
    if (written.basedOn === (watched?.resourceVersion ?? null)) return written.after;
    this.#written.delete(id);
    return watched;
  }

  /** The watch delivers a form of an object. True: it is the one that this process wrote. */
  delivered(id: string, { resourceVersion }: T): boolean {
    const written = this.#written.get(id);
    if (written === undefined) return false;
    if (written.basedOn !== resourceVersion) this.#written.delete(id);
    return written.after.resourceVersion === resourceVersion;
  }

  /** Forgets the write of an object. */
  forget(id: string): void {
    this.#written.delete(id);
  }
}
