// Limits of the fleet in a proxy: units that the controller lends over the telemetry stream. While it lends none, the proxy decides by its
// share of each limit.
import { Borrower } from '#lib/limit/borrower.ts';
import type { Decision } from '#lib/limit/decision.ts';
import type { Ask, Lend, Terms } from '#lib/limit/share.ts';
import { CLOCKS, MAX_KEYS } from '#lib/limit/store.ts';
import type { LimitStore } from '#lib/limit/store.ts';
import { Sublender } from '#lib/limit/sublender.ts';

/** A request waits for the controller at most so long: less than workers wait for the supervisor. */
const PATIENCE_MS = 300;
/** Asks gather for so long. */
const GATHER_MS = 3;
const TICK_MS = 50;

export class Lease implements LimitStore {
  readonly #borrower: Borrower;
  readonly #sublender: Sublender;
  #send: ((asks: readonly Ask[]) => void) | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor() {
    const send = (asks: readonly Ask[]): void => {
      this.#send?.(asks);
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    };
    const soon = (flush: () => void): void => void setTimeout(flush, GATHER_MS);
    this.#borrower = new Borrower({ clocks: CLOCKS, send, soon, patienceMs: PATIENCE_MS, maxKeys: MAX_KEYS });
    this.#sublender = new Sublender(this.#borrower);
  }

  take(terms: Terms, key: string, cost: number): Decision | null | Promise<Decision | null> {
    return this.#borrower.take(terms, key, cost);
  }

  charge(terms: Terms, key: string, cost: number): void {
    this.#borrower.charge(terms, key, cost);
  }

  giveBack(terms: Terms, key: string, cost: number): void {
    this.#borrower.release(terms, key, cost);
  }

  /** As Borrower.evictions. */
  get evictions(): number {
    return this.#borrower.evictions;
  }

  /** Lends to a worker in a process of its own. */
  lend(worker: string, asks: readonly Ask[]): Promise<readonly Lend[]> {
    return this.#sublender.lend(worker, asks);
  }

  /** The lender has forgotten keys of a limit (the id of its terms). */
  forget(id: string, isMeant: (key: string) => boolean): void {
    this.#borrower.forget(id, isMeant);
  }

  workerDied(worker: string): void {
    this.#sublender.left(worker);
  }

  /** A lender takes asks by this function; it counts so many proxies. */
  found(lender: string, borrowers: number, send: (asks: readonly Ask[]) => void): void {
    this.#send = send;
    this.#borrower.found(lender, borrowers);
  }

  /** The answers of the lender. */
  receive(lends: readonly Lend[]): void {
    this.#borrower.receive(lends);
  }

  /** There is no lender. */
  lost(): void {
    this.#send = null;
    this.#borrower.lost();
  }

  stop(): void {
    this.lost();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    if (this.#borrower.tick() || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
