// Entries that wait for a report, the one that waits longest first. Entries with one name become one entry.

/** What a queue does with its entries. */
export interface EntryKind<Entry> {
  readonly nameOf: (entry: Entry) => string;
  /** The sum of two entries with one name. */
  readonly sum: (one: Entry, other: Entry) => Entry;
  /** The entry under the name for entries beyond the maximum. */
  readonly asOther: (entry: Entry) => Entry;
  /** About the bytes of an entry on the wire, where it has more than a name, numbers and lists of them. */
  readonly bytesOf?: (entry: Entry) => number;
}

export class Queue<Entry extends object> {
  readonly #maximum: number;
  readonly #kind: EntryKind<Entry>;
  readonly #entries = new Map<string, Entry>();

  /** Above the maximum of names, further entries become one. */
  constructor(maximum: number, kind: EntryKind<Entry>) {
    this.#maximum = maximum;
    this.#kind = kind;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const isKnown = this.#entries.has(this.#kind.nameOf(entry));
      this.#put(isKnown || this.#entries.size < this.#maximum ? entry : this.#kind.asOther(entry));
    }
  }

  /** Takes up to `count` entries, while `spend` allows the bytes of the next. */
  take(count: number, spend: (bytes: number) => boolean): readonly Entry[] {
    const taken: Entry[] = [];
    for (const [name, entry] of this.#entries) {
      if (taken.length === count || !spend(this.#kind.bytesOf?.(entry) ?? bytesOf(name, entry))) break;
      this.#entries.delete(name);
      taken.push(entry);
    }
    return taken;
  }

  #put(entry: Entry): void {
    const name = this.#kind.nameOf(entry);
    const waiting = this.#entries.get(name);
    this.#entries.set(name, waiting === undefined ? entry : this.#kind.sum(waiting, entry));
  }
}

/** About the bytes of an entry on the wire: its name, its lists, and numbers. */
function bytesOf(name: string, entry: object): number {
  let bytes = name.length + 128;
  for (const value of Object.values(entry)) {
    if (Array.isArray(value)) bytes += value.length * 32;
    else if (value instanceof Uint8Array) bytes += value.length;
  }
  return bytes;
}
