// The speed of the bodies of an exchange, by pauses of their sources. A chunk passes at once and may leave a debt; the source pauses until
// the debt is paid. So there is one timer for each body, and none for each chunk.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import type { BodyShaping, BodyThrottle, Exchange } from '../exchange/exchange.ts';
import type { BandwidthPlan } from '../exchange/plan.ts';

/** The part of a second that may pass at once: with less, each read would be followed by a pause. */
const BURST = 0.1;

/** The source of a body. */
interface Source {
  pause(): void;
  resume(): void;
}

/** One body: its source runs while the receiver has room and there is no debt. */
class Throttle implements BodyThrottle {
  readonly #source: Source;
  readonly #wheel: TimerWheel;
  /** Null: no limit. */
  readonly #bucket: TokenBucket | null;
  readonly #timer = new Timer(() => this.#paid());
  #full = false;

  /** `rate`: bytes per second, 0 is no limit. */
  constructor(rate: number, source: Source, wheel: TimerWheel) {
    this.#source = source;
    this.#wheel = wheel;
    this.#bucket = rate === 0 ? null : new TokenBucket({ burst: rate * BURST, perSecond: rate });
  }

  passed(octets: number, room: boolean): void {
    if (!room) this.#full = true;
    const debt = this.#bucket === null ? 0 : this.#bucket.spend(octets);
    if (debt > 0) this.#wheel.arm(this.#timer, debt);
    if (this.#full || this.#timer.armed) this.#source.pause();
  }

  drained(): void {
    this.#full = false;
    if (!this.#timer.armed) this.#source.resume();
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  #paid(): void {
    if (!this.#full) this.#source.resume();
  }
}

export class Shaping implements BodyShaping {
  readonly request: Throttle;
  readonly response: Throttle;

  constructor(exchange: Exchange, { request, response }: BandwidthPlan, wheel: TimerWheel) {
    const client = { pause: () => exchange.downstream.pauseRequest(), resume: () => resumeRequest(exchange) };
    const backend = { pause: () => exchange.upstream?.pauseResponse(), resume: () => exchange.upstream?.resumeResponse() };
    this.request = new Throttle(request, client, wheel);
    this.response = new Throttle(response, backend, wheel);
  }

  stop(): void {
    this.request.stop();
    this.response.stop();
  }
}

/** While an attempt waits for a connection, bytes have no place to go; the attempt resumes the request. */
function resumeRequest(exchange: Exchange): void {
  if (exchange.gathering || exchange.upstream !== null) exchange.downstream.resumeRequest();
}
