// A circuit breaker: stops requests to a backend or an endpoint that fails, lets a few pass on trial after a while, and closes when these
// succeed.
//
//   closed ──too many failures──> open ──openFor──> half-open ──enough successes──> closed
//                                   ^──────a failure─────┘
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import type { BreakerSettings } from './breaker-settings.ts';
import { CallWindow } from './call-window.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** Why a breaker opened. `told`: another worker of the proxy opened it. */
export type BreakerCause = 'consecutive failures' | 'failure ratio' | 'slow requests' | 'failed trial' | 'told';

export interface BreakerOptions {
  readonly settings: BreakerSettings;
  readonly timers: Pick<TimerWheel, 'arm' | 'disarm'>;
  /** The state, or whether requests may pass, has changed. `cause`: why it opened; null for other changes. */
  readonly changed: (state: BreakerState, cause: BreakerCause | null) => void;
}

export class CircuitBreaker {
  readonly #options: BreakerOptions;
  readonly #window: CallWindow;
  readonly #timer = new Timer(() => this.#enter('half-open', null));
  #state: BreakerState = 'closed';
  #consecutive = 0;
  /** Requests on trial, and those of them that succeeded. */
  #trials: Set<Attempt> = new Set();
  #successes = 0;
  /** performance.now() at which an open breaker lets requests on trial pass. */
  #openUntil = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#window = new CallWindow(options.settings.window);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether another request may pass now. */
  get passes(): boolean {
    if (this.#state === 'closed') return true;
    return this.#state === 'half-open' && this.#trials.size < this.#options.settings.halfOpenRequests;
  }

  /** Milliseconds until an open breaker lets requests on trial pass; 0 if it is not open. */
  get waitMs(): number {
    return this.#state === 'open' ? Math.max(0, this.#openUntil - performance.now()) : 0;
  }

  /** A request passes. */
  began(attempt: Attempt): void {
    if (this.#state !== 'half-open') return;
    this.#trials.add(attempt);
    if (!this.passes) this.#options.changed(this.#state, null);
  }

  /** A request ended. `succeeded`: null if its end says nothing. `ms`: to the head of the answer; -1 without one. */
  ended(attempt: Attempt, succeeded: boolean | null, ms: number): void {
    const { slowAfter } = this.#options.settings;
    const slow = slowAfter > 0 && ms >= slowAfter;
    if (this.#state === 'half-open') return this.#tried(attempt, succeeded === null ? null : succeeded && !slow);
    if (this.#state === 'open' || succeeded === null) return;
    this.#consecutive = succeeded ? 0 : this.#consecutive + 1;
    const { endedAt } = attempt;
    this.#window.add(endedAt, !succeeded, slow);
    const cause = this.#reason(endedAt);
    if (cause !== null) this.open(cause);
  }

  /** Opens, also from half-open. */
  open(cause: BreakerCause): void {
    const { openFor } = this.#options.settings;
    this.#openUntil = performance.now() + openFor;
    this.#options.timers.arm(this.#timer, openFor);
    this.#enter('open', cause);
  }

  /** Another worker of the proxy closed it after its trials. */
  close(): void {
    if (this.#state !== 'closed') this.#enter('closed', null);
  }

  /** Nothing uses it any more. */
  stop(): void {
    this.#options.timers.disarm(this.#timer);
  }

  #tried(attempt: Attempt, succeeded: boolean | null): void {
    // A request from before the trials says nothing about now.
    if (!this.#trials.delete(attempt)) return;
    if (succeeded === false) return this.open('failed trial');
    if (succeeded === true && ++this.#successes >= this.#options.settings.successThreshold) return this.#enter('closed', null);
    this.#options.changed(this.#state, null);
  }

  #reason(now: number): BreakerCause | null {
    const { consecutiveFailures, failurePercent, slowPercent, minRequests } = this.#options.settings;
    if (consecutiveFailures > 0 && this.#consecutive >= consecutiveFailures) return 'consecutive failures';
    if (failurePercent === 0 && slowPercent === 0) return null;
    const { requests, failures, slow } = this.#window.at(now);
    if (requests < minRequests) return null;
    if (failurePercent > 0 && failures * 100 >= failurePercent * requests) return 'failure ratio';
    return slowPercent > 0 && slow * 100 >= slowPercent * requests ? 'slow requests' : null;
  }

  #enter(state: BreakerState, cause: BreakerCause | null): void {
    if (state !== 'open') this.#options.timers.disarm(this.#timer);
    this.#state = state;
    this.#consecutive = 0;
    this.#successes = 0;
    this.#trials = new Set();
    this.#window.clear();
    this.#options.changed(state, cause);
  }
}
