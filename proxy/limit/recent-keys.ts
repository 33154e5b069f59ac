// The keys of limits in Redis that this worker asked about lately, with the last answer: Redis knows only digests of keys.
import type { Decision } from '#lib/limit/decision.ts';
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
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Keeps an answer of Redis. */
  learn(id: string, key: string, { left, resetMs }: Pick<Decision, 'left' | 'resetMs'>): void {
    const name = `${id}\n${key}`;
    const at = this.#now();
    // The last one comes last.
    this.#known.delete(name);
    this.#known.set(name, { id, key, left, resetAt: at + resetMs, at });
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

  /** The keys of a limit (the id of its terms) that are meant. */
  keys(id: string, isMeant: (key: string) => boolean): readonly string[] {
    return [...this.#known.values()].filter((known) => known.id === id && isMeant(known.key)).map(({ key }) => key);
  }

  /** Forgets such keys. */
  forget(id: string, isMeant: (key: string) => boolean): void {
    for (const key of this.keys(id, isMeant)) this.#known.delete(`${id}\n${key}`);
  }
}
