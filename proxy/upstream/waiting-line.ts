// Attempts that wait for a connection to an endpoint, oldest first, with limits for their number and time.
import { Timer } from '#lib/timer-wheel.ts';
import { ERRORS, withDetail } from '../exchange/errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { PoolOptions } from './pool-options.ts';

const QUEUE_FULL = withDetail(ERRORS.overloaded, 'queue full');
const QUEUE_TIMEOUT = withDetail(ERRORS.overloaded, 'queue timeout');

export class WaitingLine {
  readonly #options: PoolOptions;
  readonly #attempts: Attempt[] = [];
  /** Armed for the first attempt. */
  readonly #patience = new Timer(() => this.#giveUp());

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#attempts.length;
  }

  /** The attempt that waits longest. */
  get first(): Attempt | undefined {
    return this.#attempts[0];
  }

  /** Appends an attempt, or fails it if the line is too long or the worker overloaded. */
  push(attempt: Attempt): void {
    const { limits, wheel, events, capacity, shedder } = this.#options;
    const refusal = shedder?.active === true ? shedder.refusal(attempt.exchange, 'connect') : null;
    if (refusal !== null || !capacity.takePending()) {
      events.upstreamFailed(attempt, refusal ?? QUEUE_FULL);
      return;
    }
    attempt.waitingSince = performance.now();
    this.#attempts.push(attempt);
    if (!this.#patience.armed) wheel.arm(this.#patience, limits.pendingTimeout);
  }

  /** Removes and returns the attempt that waits longest. */
  shift(): Attempt | undefined {
    // The usual case, when a connection becomes free.
    if (this.#attempts.length === 0) return undefined;
    const attempt = this.#attempts.shift();
    this.#options.capacity.givePending();
    this.#relax();
    return attempt;
  }

  remove(attempt: Attempt): void {
    const index = this.#attempts.indexOf(attempt);
    if (index >= 0) {
      this.#attempts.splice(index, 1);
      this.#options.capacity.givePending();
    }
    this.#relax();
  }

  #relax(): void {
    if (this.#attempts.length === 0) this.#options.wheel.disarm(this.#patience);
  }

  /** Fails attempts that waited too long. */
  #giveUp(): void {
    const { limits, wheel, events, capacity } = this.#options;
    const now = performance.now();
    let oldest = this.#attempts[0];
    while (oldest !== undefined && now - oldest.waitingSince >= limits.pendingTimeout) {
      this.#attempts.shift();
      capacity.givePending();
      events.upstreamFailed(oldest, QUEUE_TIMEOUT);
      oldest = this.#attempts[0];
    }
    if (oldest !== undefined) wheel.arm(this.#patience, limits.pendingTimeout - (now - oldest.waitingSince));
  }
}
