// The entries that a controller keeps about all proxies together: their number is limited, whatever proxies report.

export class Room {
  readonly #maximum: number;
  #taken = 0;
  #refused = 0;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Entries for which there was no room. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether there is room for one more. */
  take(): boolean {
    if (this.#taken >= this.#maximum) {
      this.#refused++;
      return false;
    }
    this.#taken++;
    return true;
  }

  give(count: number): void {
    this.#taken -= count;
  }
}

/** A map of one proxy that takes its entries from the room of all. */
export class Kept<Entry> {
  readonly #room: Room;
  readonly #maximum: number;
  readonly #entries = new Map<string, Entry>();

  /** `maximum`: the entries of this map. */
  constructor(room: Room, maximum: number) {
    this.#room = room;
    this.#maximum = maximum;
  }

  [Symbol.iterator](): IterableIterator<[string, Entry]> {
    return this.#entries.entries();
  }

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  /** The entry of a name, made if there is room; null if there is none. */
  of(name: string, make: () => Entry): Entry | null {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#maximum || !this.#room.take()) return null;
    const made = make();
    this.#entries.set(name, made);
    return made;
  }

  delete(name: string): void {
    if (this.#entries.delete(name)) this.#room.give(1);
  }

  clear(): void {
    this.#room.give(this.#entries.size);
    this.#entries.clear();
  }
}
