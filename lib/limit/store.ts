// Where limits count: in this process, or wherever its lender or Redis is.
import { decide } from './decision.ts';
import type { Decision } from './decision.ts';
import { meterOf } from './algorithm.ts';
import { MeterTable } from './meter-table.ts';
import type { Meter, MeterClocks } from './meter.ts';
import type { Terms } from './share.ts';

export interface LimitStore {
  /** Decides about a request. Null: the store does not answer. */
  take(terms: Terms, key: string, cost: number): Decision | null | Promise<Decision | null>;
  /** Counts units that are known after the answer. */
  charge(terms: Terms, key: string, cost: number): void;
  /** Gives back units that a request took: it has ended, or another limit refused it. */
  giveBack(terms: Terms, key: string, cost: number): void;
}

/** The stores of workers that the supervisor lends from: limits of the proxy, and those of the fleet. */
export type LendingStore = 'Local' | 'Lease';

/** The store of limits that count elsewhere if nothing else is set up: it never answers. */
export const NO_STORE: LimitStore = { take: () => null, charge: () => undefined, giveBack: () => undefined };

/** Those of this machine. */
export const CLOCKS: MeterClocks = { steady: () => performance.now(), wall: () => Date.now() };

/** Keys of one limit. */
export const MAX_KEYS = 100_000;

/** The store of a process that has all the meters itself. */
export class MeterStore implements LimitStore {
  readonly #clocks: MeterClocks;
  readonly #tables = new WeakMap<Terms, MeterTable>();

  constructor(clocks: MeterClocks) {
    this.#clocks = clocks;
  }

  take(terms: Terms, key: string, cost: number): Decision {
    return decide(this.#meter(terms, key), cost);
  }

  charge(terms: Terms, key: string, cost: number): void {
    this.#meter(terms, key).charge(cost);
  }

  giveBack(terms: Terms, key: string, cost: number): void {
    this.#meter(terms, key).giveBack(cost);
  }

  #meter(terms: Terms, key: string): Meter {
    let table = this.#tables.get(terms);
    if (table === undefined) {
      table = new MeterTable(() => meterOf(terms.algorithm, this.#clocks), MAX_KEYS);
      this.#tables.set(terms, table);
    }
    return table.of(key);
  }
}
