// A read-your-writes cache: the last version that this process wrote of each object, until the watch delivers it or a later one. Without
// it a writer would repeat a write, based on an outdated version.

/** A version of an object, with its resourceVersion. */
interface Versioned {
  readonly resourceVersion: string;
}

export class OwnWrites<T extends Versioned> {
  /** By id: the written version, and the resourceVersion that the watch had delivered at that time (null: none). */
  readonly #written = new Map<string, { readonly basedOn: string | null; readonly after: T }>();

  /** Adds a write. `watched`: the version from the watch, which may be faster than the answer. */
  wrote(id: string, after: T, watched: T | undefined): void {
    const basedOn = watched?.resourceVersion ?? null;
    if (basedOn !== after.resourceVersion) this.#written.set(id, { basedOn, after });
  }

  /** The newest known version of an object; `watched`: the version from the watch. */
  latest(id: string, watched: T | undefined): T | undefined {
    const written = this.#written.get(id);
    if (written === undefined) return watched;
    if (written.basedOn === (watched?.resourceVersion ?? null)) return written.after;
    this.#written.delete(id);
    return watched;
  }

  /** Takes a version from the watch; true if this process wrote it. */
  delivered(id: string, { resourceVersion }: T): boolean {
    const written = this.#written.get(id);
    if (written === undefined) return false;
    if (written.basedOn !== resourceVersion) this.#written.delete(id);
    return written.after.resourceVersion === resourceVersion;
  }

  /** Drops the write of an object. */
  forget(id: string): void {
    this.#written.delete(id);
  }
}
