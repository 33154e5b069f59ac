// Attempts that wait for a connection to an endpoint, with limits for their number and time. Important requests come first, and callers
// with the same priority take turns.
import { FairQueue } from '#lib/fair-queue.ts';
import { Timer } from '#lib/timer-wheel.ts';
import { ERRORS, withDetail } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { getHeader } from '../exchange/headers.ts';
import { PRIORITY_NAMES, priorityOf } from '../exchange/priority.ts';
import type { PoolOptions } from './pool-options.ts';

/** The ways to leave the line without a connection. */
const REFUSALS = {
  full: withDetail(ERRORS.overloaded, 'queue full'),
  timeout: withDetail(ERRORS.overloaded, 'queue timeout'),
} as const;

export class WaitingLine {
  readonly #options: PoolOptions;
  readonly #attempts = new FairQueue<Attempt>(PRIORITY_NAMES.length);
  /** Armed for the attempt whose time ends first. */
  readonly #patience = new Timer(() => this.#giveUp());
  /** performance.now() at which the timer expires; Infinity if it is not armed. */
  #endsAt = Infinity;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#attempts.length;
  }

  /** The attempt whose turn it is. */
  get first(): Attempt | undefined {
    return this.#attempts.first;
  }

  /** Adds an attempt. If the line is too long, the least important one fails; if the worker is overloaded, the new one may. */
  push(attempt: Attempt): void {
    const { events, capacity, shedder } = this.#options;
    const { exchange } = attempt;
    const refusal = shedder?.active === true ? shedder.refusal(exchange, 'connect') : null;
    if (refusal !== null) return events.upstreamFailed(attempt, refusal);
    const [priority, caller] = [priorityOf(exchange), callerOf(exchange)];
    const displaced = capacity.takePending() ? null : (this.#attempts.displace(priority, caller) ?? attempt);
    if (displaced !== attempt) {
      attempt.waitingSince = performance.now();
      this.#attempts.push(attempt, priority, caller);
      this.#watch(attempt);
    }
    if (displaced !== null) this.#refuse(displaced, 'full');
  }

  /** Removes and returns the attempt whose turn it is. */
  shift(): Attempt | undefined {
    const attempt = this.#attempts.shift();
    if (attempt === undefined) return undefined;
    this.#options.capacity.givePending();
    this.#relax();
    return attempt;
  }

  remove(attempt: Attempt): void {
    if (this.#attempts.remove(attempt)) this.#options.capacity.givePending();
    this.#relax();
  }

  #relax(): void {
    if (this.#attempts.length > 0) return;
    this.#options.wheel.disarm(this.#patience);
    this.#endsAt = Infinity;
  }

  /** Arms the timer if the time of this attempt ends before that of the others. */
  #watch(attempt: Attempt): void {
    const endsAt = this.#endOf(attempt);
    if (endsAt >= this.#endsAt) return;
    this.#endsAt = endsAt;
    this.#options.wheel.arm(this.#patience, endsAt - performance.now());
  }

  /** performance.now() at the end of the time of an attempt; Infinity without one. */
  #endOf({ exchange: { route }, waitingSince }: Attempt): number {
    const timeout = route?.queue?.timeout ?? this.#options.limits.pendingTimeout;
    return timeout === 0 ? Infinity : waitingSince + timeout;
  }

  /** Fails attempts that waited too long. An attempt that returns at once starts anew. */
  #giveUp(): void {
    const now = performance.now();
    this.#endsAt = Infinity;
    for (const attempt of [...this.#attempts]) {
      if (this.#endOf(attempt) > now) this.#watch(attempt);
      else if (this.#attempts.remove(attempt)) {
        this.#options.capacity.givePending();
        this.#refuse(attempt, 'timeout');
      }
    }
    this.#relax();
  }

  #refuse(attempt: Attempt, cause: keyof typeof REFUSALS): void {
    const error: ExchangeError = REFUSALS[cause];
    attempt.cluster.counts.queueRefused(cause, PRIORITY_NAMES[priorityOf(attempt.exchange)] as string);
    this.#options.events.upstreamFailed(attempt, error);
  }
}

/** The one whose requests take turns with those of others: the client, or the value of a header that a policy names. */
function callerOf(exchange: Exchange): string {
  const header = exchange.route?.queue?.callerHeader ?? null;
  return header === null ? exchange.clientAddress : (getHeader(exchange.requestHeaders, header) ?? '');
}
