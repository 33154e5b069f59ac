// The borrower: decides about requests with units that it has from a lender. It asks once for all keys at a time, and requests of one key
// wait for one answer. While there is no lender, it decides by its share of each limit.
import { Account } from './account.ts';
import type { Alone } from './account.ts';
import type { Decision } from './decision.ts';
import type { MeterClocks } from './meter.ts';
import { LEASE_MS } from './share.ts';
import type { Ask, Lend, Terms } from './share.ts';

/** A new key lets a full table look at so many old ones. */
const CANDIDATES = 8;

export interface BorrowerOptions {
  readonly clocks: MeterClocks;
  /** Takes asks to the lender. */
  readonly send: (asks: readonly Ask[]) => void;
  /** Calls `flush` soon: at the end of the turn, or after a few milliseconds. */
  readonly soon: (flush: () => void) => void;
  /** An ask without an answer for so long is given up, milliseconds. */
  readonly patienceMs: number;
  /** Keys of all limits. */
  readonly maxKeys: number;
}

export class Borrower {
  readonly #options: BorrowerOptions;
  readonly #accounts = new Map<string, Account>();
  /** Accounts with a stock or an ask under way, which time concerns. */
  readonly #timed = new Set<Account>();
  readonly #due = new Set<Account>();
  #isFlushing = false;
  #lender = '';
  #isLending = false;
  #borrowers = 1;
  /** Since then there is no lender, or it does not answer; -1: it does. */
  #aloneSince: number;
  #evictions = 0;

  constructor(options: BorrowerOptions) {
    this.#options = options;
    this.#aloneSince = options.clocks.steady();
  }

  /** Decides about a request, at once if possible. Null: strict terms allow nothing without a lender. */
  take(terms: Terms, key: string, cost: number): Decision | null | Promise<Decision | null> {
    const account = this.#accountOf(terms, key);
    const decision = account.decide(cost);
    if (decision !== null) {
      if (account.needs && this.#isLending) this.#ask(account);
      return decision;
    }
    if (!this.#isLending) return account.decideAlone(terms, cost, this.#alone);
    const waiting = terms.isStrict === true && this.#alone.isAway ? null : account.wait(terms, cost);
    this.#ask(account);
    return waiting;
  }

  /** As Meter.charge. */
  charge(terms: Terms, key: string, cost: number): void {
    const account = this.#accountOf(terms, key);
    account.charge(cost);
    if (account.owes) this.#ask(account);
  }

  /** A request that took units of a limit of concurrency has ended. */
  release(terms: Terms, key: string, cost: number): void {
    const account = this.#accountOf(terms, key);
    account.release(cost);
    if (account.owes) this.#ask(account);
  }

  /** The answers of the lender. */
  receive(lends: readonly Lend[]): void {
    this.#aloneSince = -1;
    for (const lend of lends) {
      const account = this.#accounts.get(nameOf(lend.id, lend.key));
      if (account === undefined) continue;
      account.take(lend, this.#borrowers);
      this.#timed.add(account);
      if (account.needs || account.owes) this.#ask(account);
    }
  }

  /** A lender lends from now on. One with another name hears of all that counts. */
  found(lender: string, borrowers: number): void {
    const isOther = this.#lender !== '' && this.#lender !== lender;
    this.#lender = lender;
    this.#isLending = true;
    this.#aloneSince = -1;
    this.counted(borrowers);
    for (const account of this.#accounts.values()) {
      if (isOther) account.forgetLender();
      if (account.owes) this.#ask(account);
    }
  }

  /** The number of borrowers of the lender. */
  counted(borrowers: number): void {
    this.#borrowers = Math.max(1, borrowers);
  }

  /** There is no lender: requests that wait are decided by the share of this borrower. */
  lost(): void {
    this.#isLending = false;
    if (this.#aloneSince < 0) this.#aloneSince = this.#options.clocks.steady();
    this.#due.clear();
    for (const account of this.#timed) account.giveUp(this.#alone);
  }

  /** Time passes: old stocks go back, and an ask without an answer is given up. Returns whether time still matters. */
  tick(): boolean {
    const now = this.#options.clocks.steady();
    for (const account of this.#timed) {
      if (account.askedAt >= 0 && now - account.askedAt > this.#options.patienceMs) this.#giveUp(account);
      account.expire(now);
      if (account.owes && this.#isLending) this.#ask(account);
      if (account.askedAt < 0 && !account.holds && !account.owes) this.#timed.delete(account);
    }
    return this.#timed.size > 0;
  }

  /** Forgets what it knows of keys of a limit (the id of its terms), whose lender has forgotten them. Returns their number. */
  forget(id: string, isMeant: (key: string) => boolean): number {
    let count = 0;
    for (const [name, account] of this.#accounts) {
      if (account.terms.id !== id || !isMeant(account.key)) continue;
      account.giveUp(this.#alone);
      this.#accounts.delete(name);
      this.#timed.delete(account);
      this.#due.delete(account);
      count++;
    }
    return count;
  }

  get size(): number {
    return this.#accounts.size;
  }

  /** Keys that were forgotten although something was used. */
  get evictions(): number {
    return this.#evictions;
  }

  get #alone(): Alone {
    const since = this.#aloneSince;
    return { borrowers: this.#borrowers, isAway: since >= 0 && this.#options.clocks.steady() - since > LEASE_MS };
  }

  /** The lender does not answer. */
  #giveUp(account: Account): void {
    if (this.#aloneSince < 0) this.#aloneSince = account.askedAt;
    account.giveUp(this.#alone);
  }

  #ask(account: Account): void {
    this.#due.add(account);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#options.soon(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushing = false;
    if (!this.#isLending) return;
    const due = [...this.#due].filter((account) => account.askedAt < 0);
    for (const account of due) {
      this.#due.delete(account);
      this.#timed.add(account);
    }
    if (due.length > 0) this.#options.send(due.map((account) => account.ask()));
  };

  #accountOf(terms: Terms, key: string): Account {
    const name = nameOf(terms.id, key);
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    if (this.#accounts.size >= this.#options.maxKeys) this.#evict();
    const account = new Account(terms, key, this.#options.clocks);
    this.#accounts.set(name, account);
    return account;
  }

  /** Forgets an idle key among the oldest, or the oldest without requests that wait. */
  #evict(): void {
    let oldest = '';
    let seen = 0;
    for (const [name, account] of this.#accounts) {
      if (account.idle) return void this.#accounts.delete(name);
      if (oldest === '' && account.askedAt < 0 && !account.holds) oldest = name;
      if (++seen >= CANDIDATES) break;
    }
    if (oldest === '') return;
    this.#accounts.delete(oldest);
    this.#evictions++;
  }
}

function nameOf(id: string, key: string): string {
  return `${id}\n${key}`;
}
