// The dynamic table of HPACK (RFC 7541 section 2.3.2): a ring of the newest entries, bounded by their size in octets.

/** What an entry costs beyond its octets (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD = 32;

/** Told of every entry that falls out; the encoder keeps its own index by it. */
export type Evicted = (name: string, value: string, id: number) => void;

export class DynamicTable {
  #names: string[] = new Array<string>(64).fill('');
  #values: string[] = new Array<string>(64).fill('');
  /** Entries ever added; entry ids count from 0. */
  #added = 0;
  #count = 0;
  #size = 0;
  #limit: number;
  readonly #evicted: Evicted | null;

  constructor(limit: number, evicted: Evicted | null = null) {
    this.#limit = limit;
    this.#evicted = evicted;
  }

  /** Entries held. */
  get count(): number {
    return this.#count;
  }

  /** Octets that may be held. */
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

  /** Index, counted from the newest, of the entry with an id. */
  indexOf(id: number): number {
    return this.#added - 1 - id;
  }

  /** Adds an entry, evicting the oldest to make room, and returns its id; -1 when it is larger than the table (which empties it). */
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

  /** Changes the bound, evicting what no longer fits. */
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

  /** Doubles the ring; the length stays a power of two so that a slot is a mask away. */
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
