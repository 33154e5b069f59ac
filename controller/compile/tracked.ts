// Values by id with their state at the last flush. A value that changed and changed back is not in the delta.
import { compareText } from '#lib/compare-text.ts';

interface Version<V> {
  readonly value: V;
  readonly version: string;
}

/** The changes between two flushes, in the order of the ids. */
export interface TrackedDelta<V> {
  readonly changed: readonly V[];
  /** The values before their removal. */
  readonly removed: readonly V[];
}

export class Tracked<V> {
  readonly #now = new Map<string, Version<V>>();
  readonly #before = new Map<string, Version<V> | undefined>();

  /** All current values. */
  *values(): Iterable<V> {
    for (const { value } of this.#now.values()) yield value;
  }

  /** Whether there is a value now. */
  has(id: string): boolean {
    return this.#now.has(id);
  }

  /** Adds or replaces a value; does nothing if the version is the same. */
  put(id: string, value: V, version: string): void {
    const before = this.#now.get(id);
    if (before?.version === version) return;
    if (!this.#before.has(id)) this.#before.set(id, before);
    this.#now.set(id, { value, version });
  }

  remove(id: string): void {
    if (!this.#before.has(id)) this.#before.set(id, this.#now.get(id));
    this.#now.delete(id);
  }

  flush(): TrackedDelta<V> {
    const changed: V[] = [];
    const removed: V[] = [];
    for (const [id, before] of [...this.#before].sort(([a], [b]) => compareText(a, b))) {
      const after = this.#now.get(id);
      if (after !== undefined && after.version !== before?.version) changed.push(after.value);
      if (after === undefined && before !== undefined) removed.push(before.value);
    }
    this.#before.clear();
    return { changed, removed };
  }
}
