// A line of exchanges that wait for room at a backend, with a limit for their time. Important requests come first, and callers with the
// same priority take turns.
import { FairQueue } from '#lib/fair-queue.ts';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Exchange } from './exchange.ts';
import { getHeader } from './headers.ts';
import { PRIORITY_NAMES, priorityOf } from './priority.ts';

/** Something that waits for an exchange. */
export interface Waiter {
  readonly exchange: Exchange;
  /** performance.now() at the start of the wait. */
  waitingSince: number;
}

/** A way to leave the line without room. */
export type LineRefusal = 'full' | 'timeout';

export interface FairLineOptions<W extends Waiter> {
  readonly timers: Pick<TimerWheel, 'arm' | 'disarm'>;
  /** The longest wait without a setting of the route, milliseconds; 0 is no limit. */
  readonly timeout: number;
  /** Takes a place in the line; false if all are taken. */
  readonly takePlace: () => boolean;
  readonly givePlace: () => void;
  /** The waiter leaves without room. */
  readonly refuse: (waiter: W, cause: LineRefusal) => void;
}

export class FairLine<W extends Waiter> {
  readonly #options: FairLineOptions<W>;
  readonly #waiters = new FairQueue<W>(PRIORITY_NAMES.length);
  /** Armed for the waiter whose time ends first. */
  readonly #patience = new Timer(() => this.#giveUp());
  /** performance.now() at which the timer expires; Infinity if it is not armed. */
  #endsAt = Infinity;

  constructor(options: FairLineOptions<W>) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /** The waiter whose turn it is. */
  get first(): W | undefined {
    return this.#waiters.first;
  }

  /** Adds a waiter. If there is no place, the least important one is refused. */
  push(waiter: W): void {
    const [priority, caller] = [priorityOf(waiter.exchange), callerOf(waiter.exchange)];
    const displaced = this.#options.takePlace() ? null : (this.#waiters.displace(priority, caller) ?? waiter);
    if (displaced !== waiter) {
      waiter.waitingSince = performance.now();
      this.#waiters.push(waiter, priority, caller);
      this.#watch(waiter);
    }
    if (displaced !== null) this.#options.refuse(displaced, 'full');
  }

  /** Removes and returns the waiter whose turn it is. */
  shift(): W | undefined {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return undefined;
    this.#options.givePlace();
    this.#relax();
    return waiter;
  }

  remove(waiter: W): void {
    if (this.#waiters.remove(waiter)) this.#options.givePlace();
    this.#relax();
  }

  #relax(): void {
    if (this.#waiters.length > 0) return;
    this.#options.timers.disarm(this.#patience);
    this.#endsAt = Infinity;
  }

  /** Arms the timer if the time of this waiter ends before that of the others. */
  #watch(waiter: W): void {
    const endsAt = this.#endOf(waiter);
    if (endsAt >= this.#endsAt) return;
    this.#endsAt = endsAt;
    this.#options.timers.arm(this.#patience, endsAt - performance.now());
  }

  /** performance.now() at the end of the time of a waiter; Infinity without one. */
  #endOf({ exchange: { route }, waitingSince }: W): number {
    const timeout = route?.queue?.timeout ?? this.#options.timeout;
    return timeout === 0 ? Infinity : waitingSince + timeout;
  }

  /** Refuses waiters that waited too long. A waiter that returns at once starts anew. */
  #giveUp(): void {
    const now = performance.now();
    this.#endsAt = Infinity;
    for (const waiter of [...this.#waiters]) {
      if (this.#endOf(waiter) > now) this.#watch(waiter);
      else if (this.#waiters.remove(waiter)) {
        this.#options.givePlace();
        this.#options.refuse(waiter, 'timeout');
      }
    }
    this.#relax();
  }
}

/** The one whose requests take turns with those of others: the client, or the value of a header that a policy names. */
function callerOf(exchange: Exchange): string {
  const header = exchange.route?.queue?.callerHeader ?? null;
  return header === null ? exchange.clientAddress : (getHeader(exchange.requestHeaders, header) ?? '');
}
