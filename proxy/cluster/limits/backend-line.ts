// Keeps the requests of a backend within the limits of a use of it: a request goes on, waits in a line, or is refused.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { FairLine } from '../../exchange/fair-line.ts';
import type { LineRefusal, Waiter } from '../../exchange/fair-line.ts';
import type { GateListener, Wait } from '../../exchange/plan.ts';
import { PRIORITY_NAMES, priorityOf } from '../../exchange/priority.ts';
import type { BackendCounts } from '../../exchange/upstream-counts.ts';
import type { GradientLimit } from './gradient-limit.ts';
import type { LimitSettings } from './limit-settings.ts';
import type { Load, LoadLine } from './load.ts';

const REFUSALS = {
  parallel: withDetail(ERRORS.overloaded, 'parallel requests of the backend'),
  full: withDetail(ERRORS.overloaded, 'queue of the backend full'),
  timeout: withDetail(ERRORS.overloaded, 'queue of the backend timeout'),
} as const;

/** The longest wait without a setting of the route, milliseconds. */
const TIMEOUT_MS = 10_000;

export interface BackendLineOptions {
  /** The share of this worker. */
  readonly limits: LimitSettings;
  /** Null without one. */
  readonly adaptive: Pick<GradientLimit, 'limit'> | null;
  readonly load: Load;
  readonly counts: BackendCounts;
  readonly timers: Pick<TimerWheel, 'arm' | 'disarm'>;
  /** How many requests a connection carries at the same time. */
  readonly requestsPerConnection: () => number;
}

class WaitingExchange implements Waiter, Wait {
  readonly exchange: Exchange;
  readonly listener: GateListener;
  readonly #leave: (waiter: WaitingExchange) => void;
  waitingSince = 0;

  constructor(exchange: Exchange, listener: GateListener, leave: (waiter: WaitingExchange) => void) {
    this.exchange = exchange;
    this.listener = listener;
    this.#leave = leave;
  }

  leave(): void {
    this.#leave(this);
  }
}

export class BackendLine implements LoadLine {
  readonly #options: BackendLineOptions;
  readonly #line: FairLine<WaitingExchange>;
  #retired = false;

  constructor(options: BackendLineOptions) {
    this.#options = options;
    const { timers, load } = options;
    this.#line = new FairLine({
      timers,
      timeout: TIMEOUT_MS,
      takePlace: () => {
        if (load.waiting >= this.#places) return false;
        load.waiting++;
        return true;
      },
      givePlace: () => void load.waiting--,
      refuse: (waiter, cause) => this.#refuse(waiter, cause),
    });
    load.join(this);
  }

  /** Null: the exchange goes on. `waits`: the listener gets the end of its wait. Otherwise the error to answer with. */
  enter(exchange: Exchange, listener: GateListener): ExchangeError | 'waits' | null {
    const { counts } = this.#options;
    if (this.#isFull) {
      counts.queueRefused('parallel', PRIORITY_NAMES[priorityOf(exchange)] as string);
      return REFUSALS.parallel;
    }
    if (this.#hasPassage && this.#line.length === 0) return null;
    const refusal = listener.refusalOfWait(exchange);
    if (refusal !== null) return refusal;
    const waiter = new WaitingExchange(exchange, listener, (waiting) => this.#line.remove(waiting));
    // Before it enters, because it may leave at once.
    exchange.wait = waiter;
    this.#line.push(waiter);
    return 'waits';
  }

  freed(): void {
    while (this.#line.length > 0 && this.#hasPassage) {
      const waiter = this.#line.shift() as WaitingExchange;
      waiter.exchange.wait = null;
      waiter.listener.admitted(waiter.exchange);
    }
    if (this.#retired && this.#line.length === 0) this.#options.load.leave(this);
  }

  /** No plan refers to it any more; requests that wait still get their turn. */
  retire(): void {
    this.#retired = true;
    this.freed();
  }

  /** Another attempt may begin at once, and no request waits for that. */
  get hasRoom(): boolean {
    return !this.#isFull && this.#hasPassage && this.#line.length === 0;
  }

  get #isFull(): boolean {
    const { limits, load } = this.#options;
    return limits.maxParallelRequests > 0 && load.attempts + load.waiting >= limits.maxParallelRequests;
  }

  /** How many requests may wait. An adaptive limit lets no more wait than are under way: they wait about as long as an answer takes. */
  get #places(): number {
    const { limits, adaptive } = this.#options;
    return limits.maxPendingRequests > 0 ? limits.maxPendingRequests : (adaptive?.limit ?? Infinity);
  }

  /** A request need not wait. */
  get #hasPassage(): boolean {
    const { limits, adaptive, load, requestsPerConnection } = this.#options;
    if (adaptive !== null && load.unanswered >= adaptive.limit) return false;
    return limits.maxConnections === 0 || load.attempts < limits.maxConnections * requestsPerConnection();
  }

  #refuse({ exchange, listener }: WaitingExchange, cause: LineRefusal): void {
    exchange.wait = null;
    this.#options.counts.queueRefused(cause, PRIORITY_NAMES[priorityOf(exchange)] as string);
    listener.refused(exchange, REFUSALS[cause]);
  }
}
