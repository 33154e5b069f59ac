// The keys of limits in Redis that this worker asked about lately, with the last answer: Redis knows only digests of keys.
import { rankOf } from '#lib/limit/listing.ts';
import type { KeyState, ListedLimit, Listing } from '#lib/limit/listing.ts';

/** Keys of all limits. */
const MAX_KEYS = 10_000;

interface Known {
  readonly id: string;
  readonly key: string;
  left: number;
  /** Everything is left again. */
  resetAt: number;
  at: number;
}

export class RecentKeys {
  /** By name in Redis. */
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Keeps an answer of Redis about the key with this name there. `resetMs`: as in Decision. */
  learn(name: string, id: string, key: string, left: number, resetMs: number): void {
    const at = this.#now();
    const known = this.#known.get(name) ?? { id, key, left, resetAt: 0, at };
    known.left = left;
    known.resetAt = at + resetMs;
    known.at = at;
    // The last one comes last.
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size <= MAX_KEYS) return;
    for (const oldest of this.#known.keys()) return void this.#known.delete(oldest);
  }

  /** Adds the keys of a limit that count something. */
  list(limit: ListedLimit, listing: Listing<KeyState>): void {
    const now = this.#now();
    for (const { id, key, left, resetAt, at } of this.#known.values()) {
      if (id !== limit.id || resetAt <= now) continue;
      listing.add(rankOf(limit, left), { id, key, left, resetMs: Math.ceil(resetAt - now), ageMs: Math.round(now - at) });
    }
  }

  /** The names of the keys of a limit (the id of its terms) that are meant. */
  names(id: string, isMeant: (key: string) => boolean): readonly string[] {
    return [...this.#known].filter(([, known]) => known.id === id && isMeant(known.key)).map(([name]) => name);
  }

  /** Forgets such keys. */
  forget(id: string, isMeant: (key: string) => boolean): void {
    for (const name of this.names(id, isMeant)) this.#known.delete(name);
  }
}
