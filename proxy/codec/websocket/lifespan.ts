// The lifetime and idle limits of a WebSocket, and the pings that keep it open and detect dead clients. One timer for all three, armed for
// the earliest; traffic only stores its time.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { WebSocketPlan } from '../../exchange/plan.ts';

/** Gets the expired limits. */
export interface LifespanOwner {
  /** Sends the client a ping. */
  ping(): void;
  over(error: ExchangeError): void;
}

export class Lifespan {
  readonly #plan: WebSocketPlan;
  readonly #wheel: TimerWheel;
  readonly #owner: LifespanOwner;
  readonly #timer = new Timer(() => this.#due());
  readonly #startedAt = performance.now();
  #activeAt = this.#startedAt;
  #heardAt = this.#startedAt;
  #pingedAt = this.#startedAt;
  #pinged = false;

  constructor(plan: WebSocketPlan, wheel: TimerWheel, owner: LifespanOwner) {
    this.#plan = plan;
    this.#wheel = wheel;
    this.#owner = owner;
    this.#arm(this.#startedAt);
  }

  /** Data passed in either direction. */
  active(): void {
    this.#activeAt = this.#wheel.now;
  }

  /** The client sent something, for example a pong. */
  heard(): void {
    this.#heardAt = this.#wheel.now;
    this.#pinged = false;
  }

  end(): void {
    this.#wheel.disarm(this.#timer);
  }

  #arm(now: number): void {
    const next = Math.min(
      due(this.#startedAt, this.#plan.lifetime),
      due(this.#activeAt, this.#plan.idle),
      due(Math.max(this.#pingedAt, this.#heardAt), this.#plan.ping),
    );
    if (next < Infinity) this.#wheel.arm(this.#timer, Math.max(1, next - now));
  }

  #due(): void {
    const now = performance.now();
    if (now >= due(this.#startedAt, this.#plan.lifetime)) return this.#owner.over(ERRORS.webSocketExpired);
    if (now >= due(this.#activeAt, this.#plan.idle)) return this.#owner.over(ERRORS.idleTimeout);
    if (now >= due(Math.max(this.#pingedAt, this.#heardAt), this.#plan.ping)) {
      // The client has sent nothing since the last ping.
      if (this.#pinged) return this.#owner.over(ERRORS.idleTimeout);
      this.#pinged = true;
      this.#pingedAt = now;
      this.#owner.ping();
    }
    this.#arm(now);
  }
}

function due(since: number, timeout: number): number {
  return timeout > 0 ? since + timeout : Infinity;
}
