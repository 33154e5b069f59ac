// Where limits count: in this process, or wherever its lender or Redis is.
import { decide } from './decision.ts';
import type { Decision } from './decision.ts';
import { meterOf } from './algorithm.ts';
import { listTable, resetTable } from './listing.ts';
import type { KeyState, ListedLimit, Listing } from './listing.ts';
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
  /** A table lives as long as a limit has its terms. */
  readonly #tables = new WeakMap<Terms, MeterTable>();
  /** By id: other terms with the same id go on with the table. */
  readonly #byId = new Map<string, WeakRef<MeterTable>>();
  readonly #gone = new FinalizationRegistry<string>((id) => {
    if (this.#byId.get(id)?.deref() === undefined) this.#byId.delete(id);
  });

  #evictions = 0;

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

  /** Keys that were forgotten although they counted something. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Adds the keys of a limit. */
  list(limit: ListedLimit, listing: Listing<KeyState>): Promise<void> {
    return listTable(limit, this.#byId.get(limit.id)?.deref(), listing);
  }

  /** Forgets what keys of a limit (the id of its terms) have taken. Resolves to their number. */
  reset(id: string, isMeant: (key: string) => boolean): Promise<number> {
    return resetTable(this.#byId.get(id)?.deref(), isMeant);
  }

  #meter(terms: Terms, key: string): Meter {
    let table = this.#tables.get(terms);
    if (table === undefined) this.#tables.set(terms, (table = this.#tableOf(terms)));
    return table.of(key);
  }

  #tableOf({ id, algorithm }: Terms): MeterTable {
    const known = this.#byId.get(id)?.deref();
    if (known !== undefined) return known;
    const table = new MeterTable(
      () => meterOf(algorithm, this.#clocks),
      MAX_KEYS,
      () => void this.#evictions++,
    );
    this.#byId.set(id, new WeakRef(table));
    this.#gone.register(table, id);
    return table;
  }
}
