// Values that are kept for a time, bounded in number and bytes; the oldest goes first.

interface Entry<Value> {
  readonly value: Value;
  /** The end on the clock of the caller, milliseconds. */
  readonly until: number;
  readonly bytes: number;
}

export interface MemoryBounds {
  readonly entries: number;
  readonly bytes: number;
}

export class ExpiringMemory<Value> {
  readonly #bounds: MemoryBounds;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry<Value>>();
  #bytes = 0;

  constructor(bounds: MemoryBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key at a time of the clock of the caller. */
  find(key: string, now: number): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || now < entry.until) return entry?.value;
    this.#forget(key, entry);
    return undefined;
  }

  /** Keeps a value from `now` on until a time; `bytes`: what it takes of the bound. */
  enter(key: string, value: Value, now: number, until: number, bytes: number): void {
    if (until <= now) return;
    const before = this.#entries.get(key);
    if (before !== undefined) this.#forget(key, before);
    this.#entries.set(key, { value, until, bytes });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#bounds.entries && this.#bytes <= this.#bounds.bytes) return;
      this.#forget(oldest, entry);
    }
  }

  #forget(key: string, { bytes }: Entry<Value>): void {
    this.#entries.delete(key);
    this.#bytes -= bytes;
  }
}
