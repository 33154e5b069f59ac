// An immutable map from strings, for the host and route indexes of a table: thousands of versions follow each other and differ in one
// entry.

/** With more dead keys than this (and more dead than live ones), the key index is rebuilt. */
const DEAD_KEYS_KEPT = 1024;

/**
 * All versions share one index that numbers the keys and only grows; each version has its own array of values. So a change copies one flat
 * array (10,000 entries: a few microseconds) and rehashes nothing, and a look-up costs one native Map access and one array access. A
 * version has no values for keys that were numbered after it.
 */
export class PersistentMap<V> {
  readonly #ids: Map<string, number>;
  readonly #values: readonly (V | null)[];
  readonly size: number;

  private constructor(ids: Map<string, number>, values: readonly (V | null)[], size: number) {
    this.#ids = ids;
    this.#values = values;
    this.size = size;
  }

  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>(new Map(), [], 0);
  }

  /** The number of numbered keys, including those of other versions: for leak tests. */
  get capacity(): number {
    return this.#ids.size;
  }

  /** The value of a key, or null. */
  get(key: string): V | null {
    const id = this.#ids.get(key);
    if (id === undefined || id >= this.#values.length) return null;
    return this.#values[id] as V | null;
  }

  /** A new map with these entries set; null removes an entry. This map stays unchanged. */
  with(changes: ReadonlyMap<string, V | null>): PersistentMap<V> {
    if (changes.size === 0) return this;
    const values = this.#values.slice();
    let size = this.size;
    for (const [key, value] of changes) {
      const id = this.#idOf(key);
      while (values.length <= id) values.push(null);
      size += Number(value !== null) - Number(values[id] !== null);
      values[id] = value;
    }
    const next = new PersistentMap(this.#ids, values, size);
    return this.#ids.size > 2 * size + DEAD_KEYS_KEPT ? next.#compacted() : next;
  }

  /** All entries, in no particular order. */
  *entries(): Generator<[string, V]> {
    for (const [key, id] of this.#ids) {
      const value = this.#values[id] ?? null;
      if (value !== null) yield [key, value];
    }
  }

  #idOf(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(key, id);
    return id;
  }

  #compacted(): PersistentMap<V> {
    return PersistentMap.empty<V>().with(new Map(this.entries()));
  }
}
