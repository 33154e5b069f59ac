// The keys of limits that operators see: those with least left, in a list of bounded length.
import { shownKey } from './key-form.ts';
import type { KeyForm } from './key-form.ts';
import type { MeterTable } from './meter-table.ts';
import type { Meter } from './meter.ts';

/** A limit to look into. Plain data: it goes to workers as a message. */
export interface ListedLimit {
  /** As Terms.id. */
  readonly id: string;
  readonly capacity: number;
  /** Of a request. */
  readonly cost: number;
}

/** What a store knows of a key. */
export interface KeyState {
  readonly id: string;
  readonly key: string;
  readonly left: number;
  readonly resetMs: number;
  /** Milliseconds since the store learned it. */
  readonly ageMs: number;
}

/** A look at the keys that a worker has. Plain data. */
export interface LimitListing {
  /** Empty if the supervisor has them. */
  readonly local: readonly ListedLimit[];
  readonly redis: readonly ListedLimit[];
  readonly top: number;
}

/** Keys to forget. Plain data. */
export interface LimitReset {
  readonly store: 'Local' | 'Lease' | 'Redis';
  /** Of the terms of the limit, which differ by plan. */
  readonly ids: readonly string[];
  readonly form: KeyForm;
  /** As shown; null for all keys. */
  readonly key: string | null;
}

/** A walk over keys lets other work go on after so many. */
const KEYS_PER_TURN = 2_000;

/** Keeps the values with the lowest ranks. */
export class Listing<T> {
  readonly #top: number;
  readonly #ranked: { readonly rank: number; readonly value: T }[] = [];
  #more: number;

  /** `more`: values that were left out before. */
  constructor(top: number, more = 0) {
    this.#top = top;
    this.#more = more;
  }

  add(rank: number, value: T): void {
    const last = this.#ranked.at(-1);
    if (this.#ranked.length >= this.#top && last !== undefined && rank >= last.rank) return void this.#more++;
    this.#ranked.splice(this.#placeOf(rank), 0, { rank, value });
    if (this.#ranked.length <= this.#top) return;
    this.#ranked.pop();
    this.#more++;
  }

  /** In the order of their ranks. */
  get values(): readonly T[] {
    return this.#ranked.map(({ value }) => value);
  }

  /** Values without room. */
  get more(): number {
    return this.#more;
  }

  #placeOf(rank: number): number {
    let [low, high] = [0, this.#ranked.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranked[middle]?.rank ?? 0) <= rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether the next request would be refused. */
export function isLimited(cost: number, left: number): boolean {
  return left < Math.max(1, cost);
}

/** The place of a key: those that cannot pay a request first, then by the part that is left. */
export function rankOf({ capacity, cost }: Pick<ListedLimit, 'capacity' | 'cost'>, left: number): number {
  return left / capacity - (isLimited(cost, left) ? 1 : 0);
}

/** Whether a key is meant: it looks like the shown one; null: every key is. */
export function keyMatcher({ form, key }: Pick<LimitReset, 'form' | 'key'>): (each: string) => boolean {
  return key === null ? () => true : (each) => shownKey(form, each) === key;
}

/** Adds the keys of a table that count something. */
export async function listTable(limit: ListedLimit, table: MeterTable | undefined, listing: Listing<KeyState>): Promise<void> {
  await walk(table, (key, meter) => {
    const [left, resetMs] = [meter.left(), meter.resetMs()];
    if (resetMs !== 0) listing.add(rankOf(limit, left), { id: limit.id, key, left, resetMs, ageMs: 0 });
  });
}

/** Forgets what the keys of a table have taken. Resolves to their number. */
export async function resetTable(table: MeterTable | undefined, isMeant: (key: string) => boolean): Promise<number> {
  let count = 0;
  await walk(table, (key) => {
    if (isMeant(key) && table?.reset(key) === true) count++;
  });
  return count;
}

async function walk(table: MeterTable | undefined, visit: (key: string, meter: Meter) => void): Promise<void> {
  let seen = 0;
  for (const [key, meter] of table?.entries() ?? []) {
    visit(key, meter);
    if (++seen % KEYS_PER_TURN === 0) await new Promise((resolve) => void setImmediate(resolve));
  }
}
