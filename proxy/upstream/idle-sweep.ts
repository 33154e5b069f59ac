// Closes the connections of a pool that were idle too long. One timer serves all of them: it is armed for the one whose time ends first.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { ConnectionTerms } from '../exchange/connection-terms.ts';

/** A connection that may be idle. */
export interface IdleConnection {
  /** Those of its last attempt. */
  readonly terms: ConnectionTerms;
  /** performance.now() when it last became idle. */
  idleSince: number;
}

export class IdleSweep<C extends IdleConnection> {
  readonly #wheel: TimerWheel;
  readonly #idle: () => readonly C[];
  readonly #close: (connection: C) => void;
  readonly #timer = new Timer(() => this.#sweep());
  /** performance.now() at which the armed timer expires. */
  #endsAt = 0;

  /** `idle`: the idle connections, in a list that stays as it is while they are closed. */
  constructor(wheel: TimerWheel, idle: () => readonly C[], close: (connection: C) => void) {
    this.#wheel = wheel;
    this.#idle = idle;
    this.#close = close;
  }

  /** The connection is idle from now on. */
  watch(connection: C): void {
    const { idleTimeout } = connection.terms;
    connection.idleSince = this.#wheel.now;
    const endsAt = connection.idleSince + idleTimeout;
    if (idleTimeout > 0 && !(this.#timer.armed && endsAt >= this.#endsAt)) this.#arm(endsAt, idleTimeout);
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  #arm(endsAt: number, ms: number): void {
    this.#endsAt = endsAt;
    this.#wheel.arm(this.#timer, ms);
  }

  #sweep(): void {
    const now = performance.now();
    let next = Infinity;
    for (const connection of this.#idle()) {
      const { idleTimeout } = connection.terms;
      const endsAt = idleTimeout === 0 ? Infinity : connection.idleSince + idleTimeout;
      if (endsAt <= now) this.#close(connection);
      else next = Math.min(next, endsAt);
    }
    if (next < Infinity) this.#arm(next, next - now);
  }
}
