// Attempts that wait for a connection to an endpoint, oldest first: so many, and for so long.
import { Timer } from '#lib/timer-wheel.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { PoolOptions } from './pool-options.ts';

export class WaitingLine {
  readonly #options: PoolOptions;
  readonly #attempts: Attempt[] = [];
  /** Armed for the attempt that waits longest. */
  readonly #patience = new Timer(() => this.#giveUp());

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#attempts.length;
  }

  /** The one that waits longest. */
  get first(): Attempt | undefined {
    return this.#attempts[0];
  }

  /** Puts an attempt at the end, or lets it fail where the line is too long. */
  push(attempt: Attempt): void {
    const { limits, wheel, events, capacity } = this.#options;
    if (!capacity.takePending()) {
      events.upstreamFailed(attempt, ERRORS.overloaded);
      return;
    }
    attempt.waitingSince = performance.now();
    this.#attempts.push(attempt);
    if (!this.#patience.armed) wheel.arm(this.#patience, limits.pendingTimeout);
  }

  /** Takes the one that waits longest out of the line. */
  shift(): Attempt | undefined {
    // As for most connections that become free.
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

  /** Fails those that have waited too long. */
  #giveUp(): void {
    const { limits, wheel, events, capacity } = this.#options;
    const now = performance.now();
    let oldest = this.#attempts[0];
    while (oldest !== undefined && now - oldest.waitingSince >= limits.pendingTimeout) {
      this.#attempts.shift();
      capacity.givePending();
      events.upstreamFailed(oldest, ERRORS.overloaded);
      oldest = this.#attempts[0];
    }
    if (oldest !== undefined) wheel.arm(this.#patience, limits.pendingTimeout - (now - oldest.waitingSince));
  }
}
