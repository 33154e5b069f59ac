// The delay of the event loop: the length of a turn, which is the time that a received request may wait before the worker reads it. The lag
// of a peer with a body is another thing (exchange/lag.ts).
import { MAX_SEVERITY } from './signal.ts';
import type { Signal } from './signal.ts';

/** The least of this many turns counts: a single long turn, for a collection of garbage or a new configuration, is no overload. */
const TURNS = 3;

export class LoopDelay implements Signal {
  readonly name = 'loop_delay';
  readonly #threshold: number;
  readonly #recent: number[] = [];
  readonly #after: (callback: () => void) => void;
  #measuring = false;
  #next = 0;
  #begun = 0;
  #delay = 0;

  /** `threshold`: milliseconds of severity 1; each doubling adds 1. `after` calls back in the next turn. */
  constructor(threshold: number, after: (callback: () => void) => void = (callback) => void setImmediate(callback).unref()) {
    this.#threshold = threshold;
    this.#after = after;
  }

  /** Milliseconds. */
  get delay(): number {
    return this.#delay;
  }

  get severity(): number {
    const ratio = this.#delay / this.#threshold;
    return ratio < 1 ? ratio : Math.min(MAX_SEVERITY, 1 + Math.log2(ratio));
  }

  /** Measures one whole turn. With a pending callback the event loop does not wait for events, so idle time does not count. */
  sample(): void {
    if (this.#measuring) return;
    this.#measuring = true;
    this.#after(this.#begin);
  }

  readonly #begin = (): void => {
    this.#begun = performance.now();
    this.#after(this.#end);
  };

  readonly #end = (): void => {
    this.#measuring = false;
    this.#recent[this.#next] = performance.now() - this.#begun;
    this.#next = (this.#next + 1) % TURNS;
    this.#delay = this.#recent.length < TURNS ? 0 : Math.min(...this.#recent);
  };
}
