// The sublender: lends on units that a borrower has from its lender, one for each request that waits, and keeps no stock with those who ask.
// The supervisor of a proxy lends units of the fleet to its workers.
import type { Borrower } from './borrower.ts';
import type { Decision } from './decision.ts';
import type { Ask, Lend, Terms } from './share.ts';

interface Held {
  readonly terms: Terms;
  readonly key: string;
  count: number;
}

const NOTHING = { left: 0, resetMs: 0, waitMs: 0 };

export class Sublender {
  readonly #borrower: Borrower;
  /** By worker: units of limits of concurrency that it holds. */
  readonly #held = new Map<string, Map<string, Held>>();

  constructor(borrower: Borrower) {
    this.#borrower = borrower;
  }

  /** Answers asks in their order, once the lender has answered. */
  lend(to: string, asks: readonly Ask[]): Promise<readonly Lend[]> {
    return Promise.all(asks.map((ask) => this.#answer(to, ask)));
  }

  /** Its requests under way have ended. */
  left(to: string): void {
    for (const { terms, key, count } of this.#held.get(to)?.values() ?? []) this.#borrower.release(terms, key, count);
    this.#held.delete(to);
  }

  async #answer(to: string, { terms, key, wanted, largest, returned, charged }: Ask): Promise<Lend> {
    if (returned > 0) this.#borrower.release(terms, key, returned);
    if (charged > 0) this.#borrower.charge(terms, key, charged);
    // All requests of a limit cost the same.
    const requests = Math.ceil(wanted / largest);
    const take = async (): Promise<Decision | null> => this.#borrower.take(terms, key, requests === 0 ? 0 : largest);
    const decisions = await Promise.all(Array.from({ length: Math.max(1, requests) }, take));
    const granted = requests === 0 ? 0 : largest * decisions.filter((decision) => decision?.allowed === true).length;
    if (terms.algorithm.kind === 'Concurrency') this.#hold(to, { terms, key, count: granted + charged - returned });
    const { left, resetMs, waitMs } = decisions.at(-1) ?? NOTHING;
    const lend = { id: terms.id, key, granted, left, resetMs, waitMs, learning: false };
    return decisions.includes(null) ? { ...lend, away: true } : lend;
  }

  #hold(to: string, { terms, key, count }: Held): void {
    let held = this.#held.get(to);
    if (held === undefined) this.#held.set(to, (held = new Map()));
    const name = `${terms.id}\n${key}`;
    const known = held.get(name);
    const sum = (known?.count ?? 0) + count;
    if (sum <= 0) held.delete(name);
    else held.set(name, { terms, key, count: sum });
  }
}
