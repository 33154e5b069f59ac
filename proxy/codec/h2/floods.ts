// Limits for requests that cost the peer nothing: frames that need work but no answer, and streams that end before they get one. Each kind
// of flood uses one of two budgets.
import type { Limits } from '../../exchange/limits.ts';

/** The kinds of floods; labels of a metric. */
export type FloodReason =
  | 'reset'
  | 'provoked_reset'
  | 'settings'
  | 'ping'
  | 'priority'
  | 'window_update'
  | 'empty_data'
  | 'continuation'
  | 'unknown_frame'
  | 'stray_headers'
  | 'header_block'
  | 'stalled_header_block'
  | 'stalled_window';

/** Connections and streams that were ended because of a flood, by reason. One per worker. */
export class FloodCounts {
  readonly #counts = new Map<FloodReason, number>();

  get byReason(): ReadonlyMap<FloodReason, number> {
    return this.#counts;
  }

  count(reason: FloodReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }
}

/** The time after which budgets are full again. */
const WINDOW_MS = 10_000;
/** Control frames that are normal for one frame of an answer: updates of two windows, a PING to measure the path. */
const FRAMES_PER_FRAME = 8;

type Limited = Pick<Limits, 'maxControlFrames' | 'maxStreamResets'>;

/** The budgets of one connection. */
export class FloodGuard {
  readonly #limits: Limited;
  #control: number;
  #resets: number;
  #filledAt = performance.now();

  constructor(limits: Limited) {
    this.#limits = limits;
    this.#control = limits.maxControlFrames;
    this.#resets = limits.maxStreamResets;
  }

  /** A frame that is not a request arrived. False: too many of them. */
  control(): boolean {
    return --this.#control >= 0 || this.#refill();
  }

  /** A stream was reset, by the peer or because of it, before its answer was complete. False: too many. */
  reset(): boolean {
    return --this.#resets >= 0 || this.#refill();
  }

  /** A frame of an answer was sent. */
  answered(): void {
    this.#control = Math.min(this.#limits.maxControlFrames, this.#control + FRAMES_PER_FRAME);
  }

  /** Reads the clock only when a budget is used up: the elapsed time is the time in which it was used up. */
  #refill(): boolean {
    const now = performance.now();
    if (now - this.#filledAt < WINDOW_MS) return false;
    this.#filledAt = now;
    this.#control = this.#limits.maxControlFrames;
    this.#resets = this.#limits.maxStreamResets;
    return true;
  }
}
