// The dynamic table of HPACK (RFC 7541 section 2.3.2): a ring of the newest entries, limited by their size in octets.

/** The overhead of an entry in octets (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD = 32;

/** Called for each evicted entry; the encoder keeps its own index with it. */
export type Evicted = (name: string, value: string, id: number) => void;

export class DynamicTable {
  #names: string[] = new Array<string>(64).fill('');
  #values: string[] = new Array<string>(64).fill('');
  /** The number of entries ever added; entry ids start at 0. */
  #added = 0;
  #count = 0;
  #size = 0;
  #limit: number;
  readonly #evicted: Evicted | null;

  constructor(limit: number, evicted: Evicted | null = null) {
    this.#limit = limit;
    this.#evicted = evicted;
  }

  /** The number of entries. */
  get count(): number {
    return this.#count;
  }

  /** The maximum size in octets. */
  get limit(): number {
    return this.#limit;
  }

  /** The entry at an index counted from the newest, 0 first. The caller checks the bound. */
  name(index: number): string {
    return this.#names[this.#slot(index)] as string;
  }

  value(index: number): string {
    return this.#values[this.#slot(index)] as string;
  }

  /** The index, counted from the newest, of the entry with an id. */
  indexOf(id: number): number {
    return this.#added - 1 - id;
  }

  /** Adds an entry, evicting the oldest for room, and returns its id; -1 if it is larger than the table (which empties it). */
  add(name: string, value: string): number {
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.#shrink(this.#limit - size);
    if (size > this.#limit) return -1;
    if (this.#count === this.#names.length) this.#grow();
    const slot = this.#added & (this.#names.length - 1);
    this.#names[slot] = name;
    this.#values[slot] = value;
    this.#count++;
    this.#size += size;
    return this.#added++;
  }

  /** Changes the limit and evicts entries beyond it. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#shrink(limit);
  }

  #slot(index: number): number {
    return (this.#added - 1 - index) & (this.#names.length - 1);
  }

  #shrink(limit: number): void {
    while (this.#size > limit && this.#count > 0) {
      const slot = this.#slot(this.#count - 1);
      const name = this.#names[slot] as string;
      const value = this.#values[slot] as string;
      this.#evicted?.(name, value, this.#added - this.#count);
      this.#size -= name.length + value.length + ENTRY_OVERHEAD;
      this.#count--;
      this.#names[slot] = '';
      this.#values[slot] = '';
    }
  }

  /** Doubles the ring; the length stays a power of two, so that a mask gives the slot. */
  #grow(): void {
    const names = new Array<string>(this.#names.length * 2).fill('');
    const values = new Array<string>(names.length).fill('');
    for (let index = 0; index < this.#count; index++) {
      const slot = (this.#added - 1 - index) & (names.length - 1);
      names[slot] = this.name(index);
      values[slot] = this.value(index);
    }
    this.#names = names;
    this.#values = values;
  }
}
