// The lender: has the meters of all keys and lends units to borrowers. The supervisor of a proxy lends to its workers, a controller to proxies.
import { capacityOf, meterOf } from './algorithm.ts';
import type { Algorithm } from './algorithm.ts';
import { listTable, resetTable } from './listing.ts';
import type { KeyState, ListedLimit, Listing } from './listing.ts';
import { MeterTable } from './meter-table.ts';
import { takeUpTo } from './meter.ts';
import type { Meter, MeterClocks } from './meter.ts';
import type { Ask, Lend, Terms } from './share.ts';

/** The most limits that a lender keeps. With one more it forgets the limit whose last question is the oldest. */
const MAX_LIMITS = 2_000;
/** While so little is left for each borrower, stocks would keep it from those who need it. */
const RESERVE = 4;

export interface LenderOptions {
  readonly clocks: MeterClocks;
  /** The part of a limit that may lie in stocks of borrowers. */
  readonly share: number;
  /** Keys of one limit. */
  readonly maxKeys: number;
  /** A new lender lends nothing for so long, and only learns what borrowers used before; milliseconds. */
  readonly learnMs?: number;
}

export class Lender {
  readonly #options: LenderOptions;
  readonly #tables = new Map<string, MeterTable>();
  /** By borrower: units of limits of concurrency that it holds, by meter. */
  readonly #borrowers = new Map<string, Map<Meter, number>>();
  readonly #lendsFrom: number;
  #evictions = 0;

  constructor(options: LenderOptions) {
    this.#options = options;
    this.#lendsFrom = options.clocks.steady() + (options.learnMs ?? 0);
  }

  /** Counts a borrower from now on. */
  joined(borrower: string): void {
    if (!this.#borrowers.has(borrower)) this.#borrowers.set(borrower, new Map());
  }

  /** A borrower is gone: its requests under way have ended; the units of its stocks count as used. */
  left(borrower: string): void {
    for (const [meter, count] of this.#borrowers.get(borrower) ?? []) meter.giveBack(count);
    this.#borrowers.delete(borrower);
  }

  get borrowers(): number {
    return this.#borrowers.size;
  }

  /** Answers the asks of a borrower, in their order. */
  lend(borrower: string, asks: readonly Ask[]): readonly Lend[] {
    this.joined(borrower);
    return asks.map((ask) => this.#answer(borrower, ask));
  }

  /** Adds the keys of a limit. */
  list(limit: ListedLimit, listing: Listing<KeyState>): Promise<void> {
    return listTable(limit, this.#tables.get(limit.id), listing);
  }

  /** Forgets what keys of a limit (the id of its terms) have taken. Resolves to their number. Borrowers must forget the keys afterwards. */
  reset(id: string, isMeant: (key: string) => boolean): Promise<number> {
    return resetTable(this.#tables.get(id), isMeant);
  }

  /** Keys that were forgotten although they counted something. */
  get evictions(): number {
    return this.#evictions;
  }

  #answer(borrower: string, ask: Ask): Lend {
    const { terms, key } = ask;
    const meter = this.#tableOf(terms).of(key);
    if (ask.returned > 0) meter.giveBack(ask.returned);
    if (ask.charged > 0) meter.charge(ask.charged);
    if (ask.used > 0) meter.learn(ask.used);
    const learning = this.#options.clocks.steady() < this.#lendsFrom;
    const granted = learning ? 0 : this.#grant(meter, ask);
    if (terms.algorithm.kind === 'Concurrency') this.#hold(borrower, meter, granted + ask.charged + ask.used - ask.returned);
    return { id: terms.id, key, granted, left: meter.left(), resetMs: meter.resetMs(), waitMs: meter.waitMs(ask.largest), learning };
  }

  #grant(meter: Meter, { terms, wanted, extra, stock }: Ask): number {
    const granted = takeUpTo(meter, wanted);
    if (granted < wanted || extra <= 0) return granted;
    const reserve = Math.floor(meter.left() / (RESERVE * this.borrowers));
    return granted + takeUpTo(meter, Math.min(extra, this.#mostStock(terms.algorithm) - stock, reserve));
  }

  #mostStock(algorithm: Algorithm): number {
    // A unit in a stock would keep a request from running elsewhere for as long as it lies there.
    if (algorithm.kind === 'Concurrency') return 0;
    return Math.floor((capacityOf(algorithm) * this.#options.share) / this.borrowers);
  }

  #hold(borrower: string, meter: Meter, change: number): void {
    const held = this.#borrowers.get(borrower);
    const count = (held?.get(meter) ?? 0) + change;
    if (count > 0) held?.set(meter, count);
    else held?.delete(meter);
  }

  #newTable(algorithm: Algorithm): MeterTable {
    const { clocks, maxKeys } = this.#options;
    return new MeterTable(
      () => meterOf(algorithm, clocks),
      maxKeys,
      () => void this.#evictions++,
    );
  }

  #tableOf({ id, algorithm }: Terms): MeterTable {
    let table = this.#tables.get(id);
    if (table === undefined) table = this.#newTable(algorithm);
    else this.#tables.delete(id);
    // The last one used comes last.
    this.#tables.set(id, table);
    const [oldest] = this.#tables.keys();
    if (this.#tables.size > MAX_LIMITS && oldest !== undefined) this.#tables.delete(oldest);
    return table;
  }
}
