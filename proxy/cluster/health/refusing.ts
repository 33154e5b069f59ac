// Connections to the endpoint fail: other endpoints are preferred for a while, longer after each failure.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { EndpointHealth } from './endpoint-health.ts';

/** The time for which an endpoint that refuses connections is avoided: doubled after each failure, up to the maximum. */
const AVOIDED_MS = 2_000;
const MAX_AVOIDED_MS = 60_000;

export const refusing: EndpointHealth = {
  reason: 'refusing',
  usable: (members) => members.filter(({ endpoint }) => !endpoint.refusal.active),
};

/** Whether the connections to one endpoint fail. */
export class Refusal {
  readonly #wheel: Pick<TimerWheel, 'arm' | 'disarm'>;
  readonly #changed: () => void;
  readonly #timer = new Timer(() => this.#end());
  #active = false;
  #avoidedFor = 0;

  constructor(wheel: Pick<TimerWheel, 'arm' | 'disarm'>, changed: () => void) {
    this.#wheel = wheel;
    this.#changed = changed;
  }

  /** Other endpoints are preferred now. */
  get active(): boolean {
    return this.#active;
  }

  connected(): void {
    this.#avoidedFor = 0;
    if (this.#active) this.#end();
  }

  /** Connections that were started together fail together: that counts as one failure. */
  connectFailed(): void {
    if (this.#active) return;
    this.#avoidedFor = Math.min(MAX_AVOIDED_MS, Math.max(AVOIDED_MS, 2 * this.#avoidedFor));
    this.#active = true;
    this.#wheel.arm(this.#timer, this.#avoidedFor);
    this.#changed();
  }

  /** The endpoint is gone. */
  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  #end(): void {
    this.#wheel.disarm(this.#timer);
    this.#active = false;
    this.#changed();
  }
}
