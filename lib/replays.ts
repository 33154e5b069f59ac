// Values that were accepted once and must not be accepted again, in bounded memory: each entry stays at least as long as it may be valid.

/** About 25 MiB. */
const MAX_REMEMBERED = 262_144;

/** `full`: a further entry cannot be remembered, so it must not be accepted; `away`: the memory does not answer, so neither. */
export type ReplayVerdict = 'new' | 'seen' | 'full' | 'away';

/** The entries of one time of validity, in two generations: each lasts as long as an entry may be valid. */
interface Generations {
  current: Set<string>;
  previous: Set<string>;
  since: number;
}

export class Replays {
  readonly #now: () => number;
  readonly #max: number;
  /** By time of validity. */
  readonly #memories = new Map<number, Generations>();

  /** `now`: a clock that never goes back, milliseconds; `max`: the entries of one time of validity. */
  constructor(now: () => number = () => performance.now(), max = MAX_REMEMBERED) {
    this.#now = now;
    this.#max = max;
  }

  /** The number of entries in memory. */
  get size(): number {
    return [...this.#memories.values()].reduce((sum, memory) => sum + sizeOf(memory), 0);
  }

  /** Remembers a short text that no other entry has. `window`: the longest time in which it can be valid, milliseconds. */
  enter(digest: string, window: number): ReplayVerdict {
    this.#age();
    for (const { current, previous } of this.#memories.values()) if (current.has(digest) || previous.has(digest)) return 'seen';
    let memory = this.#memories.get(window);
    if (memory === undefined) this.#memories.set(window, (memory = { current: new Set(), previous: new Set(), since: this.#now() }));
    if (sizeOf(memory) >= this.#max) return 'full';
    memory.current.add(digest);
    return 'new';
  }

  #age(): void {
    const now = this.#now();
    for (const [window, memory] of this.#memories) {
      const age = now - memory.since;
      if (age < window) continue;
      memory.previous = age < 2 * window ? memory.current : new Set();
      memory.current = new Set();
      memory.since = now;
      // A policy may have another time now.
      if (memory.previous.size === 0) this.#memories.delete(window);
    }
  }
}

function sizeOf({ current, previous }: Generations): number {
  return current.size + previous.size;
}
