// A client of HTTP/1.1 that sends no more while its answer is awaited may wait for it, or may have left: TCP shows the same end. So it
// is asked with interim answers, which every client passes over (RFC 9110 section 15.2): a host where nothing reads any more answers
// with a reset, and the next write finds the connection gone.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';

/** Milliseconds before each question: most answers are faster than the first. A reset takes a round trip; clients put up with few interim answers (Go: five). */
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
