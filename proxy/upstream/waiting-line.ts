// Exchanges that wait for a connection to an endpoint, oldest first: so many, and for so long.
import { Timer } from '#lib/timer-wheel.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { PoolOptions } from './pool-options.ts';

export class WaitingLine {
  readonly #options: PoolOptions;
  readonly #exchanges: Exchange[] = [];
  /** Armed for the exchange that waits longest. */
  readonly #patience = new Timer(() => this.#giveUp());

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#exchanges.length;
  }

  /** Who waits longest. */
  get first(): Exchange | undefined {
    return this.#exchanges[0];
  }

  /** Puts an exchange at the end. False: the line is too long, and the exchange has failed. */
  push(exchange: Exchange): boolean {
    const { limits, wheel, events, capacity } = this.#options;
    if (!capacity.takePending()) {
      events.upstreamFailed(exchange, ERRORS.overloaded);
      return false;
    }
    exchange.waitingSince = performance.now();
    this.#exchanges.push(exchange);
    if (!this.#patience.armed) wheel.arm(this.#patience, limits.pendingTimeout);
    return true;
  }

  /** Who waits longest, out of the line. */
  shift(): Exchange | undefined {
    const exchange = this.#exchanges.shift();
    if (exchange !== undefined) this.#options.capacity.givePending();
    this.#relax();
    return exchange;
  }

  remove(exchange: Exchange): void {
    const index = this.#exchanges.indexOf(exchange);
    if (index >= 0) {
      this.#exchanges.splice(index, 1);
      this.#options.capacity.givePending();
    }
    this.#relax();
  }

  #relax(): void {
    if (this.#exchanges.length === 0) this.#options.wheel.disarm(this.#patience);
  }

  /** Fails those that have waited too long. */
  #giveUp(): void {
    const { limits, wheel, events, capacity } = this.#options;
    const now = performance.now();
    let oldest = this.#exchanges[0];
    while (oldest !== undefined && now - oldest.waitingSince >= limits.pendingTimeout) {
      this.#exchanges.shift();
      capacity.givePending();
      events.upstreamFailed(oldest, ERRORS.overloaded);
      oldest = this.#exchanges[0];
    }
    if (oldest !== undefined) wheel.arm(this.#patience, limits.pendingTimeout - (now - oldest.waitingSince));
  }
}
