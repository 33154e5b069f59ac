// The meters of the keys of one limit, in bounded memory.
import type { Meter } from './meter.ts';

/** A full table looks at so many keys to find the one to forget. */
const CANDIDATES = 8;
/** Each new key lets the table look at so many old ones: a meter that counts nothing any more is forgotten. */
const SWEPT = 2;

export class MeterTable {
  readonly #meters = new Map<string, Meter>();
  readonly #create: () => Meter;
  readonly #maxKeys: number;
  readonly #evicted: () => void;

  /** `evicted`: called for each key that is forgotten although it counts something. */
  constructor(create: () => Meter, maxKeys: number, evicted: () => void = () => undefined) {
    this.#create = create;
    this.#maxKeys = maxKeys;
    this.#evicted = evicted;
  }

  /** The meter of a key; a full one for a new key. */
  of(key: string): Meter {
    return this.#meters.get(key) ?? this.#add(key);
  }

  /** The meter of a key that has one. */
  find(key: string): Meter | undefined {
    return this.#meters.get(key);
  }

  /** Forgets what a key has taken. */
  reset(key: string): boolean {
    return this.#meters.delete(key);
  }

  /** The keys with their meters. */
  entries(): Iterable<readonly [string, Meter]> {
    return this.#meters.entries();
  }

  get size(): number {
    return this.#meters.size;
  }

  #add(key: string): Meter {
    this.#sweep();
    if (this.#meters.size >= this.#maxKeys) this.#evict();
    const meter = this.#create();
    this.#meters.set(key, meter);
    return meter;
  }

  #sweep(): void {
    for (const [key, meter] of this.#oldest(SWEPT)) {
      this.#meters.delete(key);
      if (meter.resetMs() !== 0) this.#meters.set(key, meter);
    }
  }

  /** Forgets the key that loses least: somebody who brings many keys must not get a full meter for one that was empty. */
  #evict(): void {
    const candidates = this.#oldest(CANDIDATES);
    const [first] = candidates;
    if (first === undefined) return;
    const [key] = candidates.reduce((best, each) => (each[1].left() > best[1].left() ? each : best), first);
    this.#meters.delete(key);
    this.#evicted();
  }

  #oldest(count: number): readonly (readonly [string, Meter])[] {
    const oldest: (readonly [string, Meter])[] = [];
    for (const entry of this.#meters) {
      if (oldest.length === count) break;
      oldest.push(entry);
    }
    return oldest;
  }
}
