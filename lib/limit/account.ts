// What a borrower has and knows of one key of a limit.
import { capacityOf, meterOf } from './algorithm.ts';
import type { Algorithm } from './algorithm.ts';
import { decide } from './decision.ts';
import type { Decision } from './decision.ts';
import type { Meter, MeterClocks } from './meter.ts';
import type { Ask, Lend, Terms } from './share.ts';
import { stockMs } from './share.ts';

/** A refusal holds for so long without another question, milliseconds: units of other borrowers may come back. */
const REFUSAL_MS = 50;
/** A stock that lasted for less than this was too small, milliseconds. */
const SHORT_MS = 100;
const FIRST_EXTRA = 4;
const MOST_EXTRA = 10_000;

interface Waiter {
  readonly terms: Terms;
  readonly cost: number;
  readonly resolve: (decision: Decision | null) => void;
}

/** What a borrower knows of the others while it decides without the lender. */
export interface Alone {
  readonly borrowers: number;
  /** There has been no lender for longer than a lease lasts. */
  readonly isAway: boolean;
}

export class Account {
  readonly terms: Terms;
  readonly key: string;
  readonly #clocks: MeterClocks;
  readonly #waiters: Waiter[] = [];
  #stock = 0;
  #stockUntil = 0;
  #extra = 0;
  /** The stock after the last answer. */
  #aim = 0;
  #returned = 0;
  #charged = 0;
  /** Used before this lender. */
  #untold = 0;
  #askedAt = -1;
  #filledAt = 0;
  #refusedUntil = 0;
  /** What the lender said last, and when. */
  #told: Lend | null = null;
  #toldAt = 0;
  /** All that was used here: what another lender must know. */
  readonly #own: Meter;
  /** The share of this borrower while there is no lender, for a number of borrowers. */
  #share: Meter | null = null;
  #shareFor = 0;

  constructor(terms: Terms, key: string, clocks: MeterClocks) {
    this.terms = terms;
    this.key = key;
    this.#clocks = clocks;
    this.#own = meterOf(terms.algorithm, clocks);
  }

  /** Nothing is lost if it is forgotten. */
  get idle(): boolean {
    return this.#stock === 0 && this.#waiters.length === 0 && !this.owes && this.#own.resetMs() === 0;
  }

  /** It has a stock. */
  get holds(): boolean {
    return this.#stock > 0;
  }

  /** The lender must hear of units. */
  get owes(): boolean {
    return this.#returned > 0 || this.#charged > 0 || this.#untold > 0;
  }

  /** Requests wait that no ask is under way for. */
  get needs(): boolean {
    return this.#askedAt < 0 && (this.#waiters.length > 0 || this.#isLow());
  }

  /** An ask has had no answer since this moment; -1: none is under way. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** Decides now if the stock is enough, or if the lender has just refused; null: the lender must be asked. */
  decide(cost: number): Decision | null {
    if (cost === 0 && this.#isOutdated()) return null;
    if (this.#stock >= cost && this.#waiters.length === 0) {
      this.#stock -= cost;
      this.#own.charge(cost);
      return this.#decision(true);
    }
    return this.#clocks.steady() < this.#refusedUntil ? this.#decision(false) : null;
  }

  /** Resolves when the lender has answered. */
  wait(terms: Terms, cost: number): Promise<Decision | null> {
    const { promise, resolve } = Promise.withResolvers<Decision | null>();
    this.#waiters.push({ terms, cost, resolve });
    return promise;
  }

  /** Decides by the share of one of so many borrowers, without the lender, which hears of it later. Null: strict terms forbid it by now. */
  decideAlone({ isStrict }: Terms, cost: number, { borrowers, isAway }: Alone): Decision | null {
    if (isStrict === true && isAway) return null;
    const decision = decide(this.#shareOf(borrowers), cost);
    if (decision.allowed) {
      this.#own.charge(cost);
      this.#charged += cost;
    }
    return decision;
  }

  /** Decides for all waiters without the lender. */
  giveUp(alone: Alone): void {
    this.#askedAt = -1;
    for (const { terms, cost, resolve } of this.#waiters.splice(0)) resolve(this.decideAlone(terms, cost, alone));
  }

  /** Uses units, whether they are lent or not. */
  charge(cost: number): void {
    const paid = Math.min(this.#stock, cost);
    this.#stock -= paid;
    this.#charged += cost - paid;
    this.#own.charge(cost);
    this.#share?.charge(cost);
  }

  /** A request that held units of a limit of concurrency has ended. */
  release(cost: number): void {
    this.#own.giveBack(cost);
    this.#share?.giveBack(cost);
    const unlent = Math.min(this.#charged, cost);
    this.#charged -= unlent;
    this.#returned += cost - unlent;
  }

  /** The stock goes back if it is old. */
  expire(now: number): void {
    if (this.#stock === 0 || now < this.#stockUntil) return;
    this.#returned += this.#stock;
    this.#stock = 0;
    this.#extra = 0;
    this.#aim = 0;
  }

  /** The lender is gone, and with it what was lent: another one must hear of all that was used here. */
  forgetLender(): void {
    this.#stock = 0;
    this.#extra = 0;
    this.#aim = 0;
    this.#returned = 0;
    this.#refusedUntil = 0;
    this.#charged = 0;
    this.#untold = this.#used;
  }

  /** The ask that is due. */
  ask(): Ask {
    const wanted = this.#waiters.reduce((sum, { cost }) => sum + cost, 0);
    const largest = this.#waiters.reduce((most, { cost }) => Math.max(most, cost), 1);
    const ask = { terms: this.terms, key: this.key, wanted, largest, extra: this.#extra, stock: this.#stock };
    const due = { ...ask, returned: this.#returned, charged: this.#charged, used: this.#untold };
    this.#returned = 0;
    this.#charged = 0;
    this.#untold = 0;
    this.#askedAt = this.#clocks.steady();
    return due;
  }

  /** The answer. */
  take(lend: Lend, borrowers: number): void {
    this.#askedAt = -1;
    if (lend.away === true || lend.learning) return this.giveUp({ borrowers, isAway: lend.away === true });
    const now = this.#clocks.steady();
    this.#told = lend;
    this.#toldAt = now;
    this.#share = null;
    this.#stock += lend.granted;
    if (lend.granted > 0) this.#filled(now);
    this.#serve(now, lend);
    // The lender gives no larger stock.
    this.#aim = Math.min(this.#extra, this.#stock);
  }

  #filled(now: number): void {
    const isShort = now - this.#filledAt < SHORT_MS;
    this.#extra = isShort ? Math.min(MOST_EXTRA, Math.max(FIRST_EXTRA, this.#extra * 2)) : FIRST_EXTRA;
    this.#filledAt = now;
    this.#stockUntil = now + stockMs(this.terms.algorithm);
  }

  /** Serves waiters in their order. What even the lender cannot give is refused; later waiters may stay for the next ask. */
  #serve(now: number, { left, waitMs }: Lend): void {
    const waiters = this.#waiters.splice(0);
    for (const waiter of waiters) {
      if (this.#stock >= waiter.cost) {
        this.#stock -= waiter.cost;
        this.#own.charge(waiter.cost);
        waiter.resolve(this.#decision(true));
      } else if (this.#stock + left >= waiter.cost) {
        this.#waiters.push(waiter);
      } else {
        waiter.resolve(this.#decision(false));
        if (left === 0 && waitMs > 0) this.#refusedUntil = now + Math.min(waitMs, REFUSAL_MS);
      }
    }
  }

  #decision(allowed: boolean): Decision {
    const told = this.#told;
    if (told === null) return { allowed, left: 0, resetMs: 0, waitMs: 0 };
    const passed = this.#clocks.steady() - this.#toldAt;
    const later = (ms: number): number => (ms < 0 ? ms : Math.max(0, Math.ceil(ms - passed)));
    return { allowed, left: told.left + this.#stock, resetMs: later(told.resetMs), waitMs: allowed ? 0 : Math.max(1, later(told.waitMs)) };
  }

  #shareOf(borrowers: number): Meter {
    if (this.#share !== null && this.#shareFor === borrowers) return this.#share;
    const algorithm = shareOf(this.terms.algorithm, borrowers);
    const share = meterOf(algorithm, this.#clocks);
    share.learn(Math.min(this.#used, capacityOf(algorithm)));
    this.#share = share;
    this.#shareFor = borrowers;
    return share;
  }

  /** A request without a cost passes by what the lender says is left. */
  #isOutdated(): boolean {
    return this.#stock === 0 && (this.#told === null || this.#clocks.steady() - this.#toldAt > REFUSAL_MS);
  }

  #isLow(): boolean {
    return this.#aim > FIRST_EXTRA && this.#stock * 2 < this.#aim;
  }

  get #used(): number {
    return capacityOf(this.terms.algorithm) - this.#own.left();
  }
}

/** The part of one of so many borrowers, at least one unit. */
function shareOf(algorithm: Algorithm, borrowers: number): Algorithm {
  const part = (units: number): number => Math.max(1, Math.floor(units / Math.max(1, borrowers)));
  if (algorithm.kind === 'TokenBucket') {
    return { ...algorithm, periodMs: algorithm.periodMs * Math.max(1, borrowers), burst: part(algorithm.burst) };
  }
  return { ...algorithm, limit: part(algorithm.limit) };
}
