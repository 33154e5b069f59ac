// An HTTP/1.1 client that sends an end while it waits for its answer may still be waiting, or may have left: TCP shows the same. So the
// proxy sends it interim answers, which every client ignores (RFC 9110 section 15.2): a host without a reader answers with a reset, and the
// next write fails.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';

/**
 * Milliseconds before each interim answer: most answers are faster than the first. A reset takes a round trip; clients accept few interim
 * answers (Go: five).
 */
const PAUSES = [50, 50, 250, 1_000, 5_000];

export class DepartureProbe {
  readonly #wheel: TimerWheel;
  readonly #ask: () => void;
  readonly #timer = new Timer(() => this.#next());
  #asked = 0;

  /** `ask` sends an interim answer. */
  constructor(wheel: TimerWheel, ask: () => void) {
    this.#wheel = wheel;
    this.#ask = ask;
  }

  start(): void {
    this.#asked = 0;
    this.#wait();
  }

  stop(): void {
    this.#wheel.disarm(this.#timer);
  }

  #wait(): void {
    const pause = PAUSES[this.#asked];
    if (pause !== undefined) this.#wheel.arm(this.#timer, pause);
  }

  #next(): void {
    this.#asked++;
    this.#ask();
    this.#wait();
  }
}
