// Limits the further attempts of a backend to a share of its requests, so that a backend that fails does not get a multiple of its load. The
// state belongs to the cluster: all rules that use it share it, whatever share each allows.
import { turnTime } from '#lib/turn-clock.ts';
import type { RetryBudget, RetryBudgetPlan } from '../exchange/plan.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** A power of two, above 60. */
const SLOTS = 64;

export class ClusterRetryBudget implements RetryBudget {
  readonly #clock: () => number;
  readonly #seconds = new Window(SECOND_MS);
  /** For intervals of more than a minute. */
  readonly #minutes = new Window(MINUTE_MS);

  /** `clock`: milliseconds. */
  constructor(clock: () => number = turnTime) {
    this.#clock = clock;
  }

  requested(): void {
    const now = this.#clock();
    this.#seconds.requested(now);
    this.#minutes.requested(now);
  }

  take(plan: RetryBudgetPlan, workers: number): boolean {
    const now = this.#clock();
    if (!this.#hasShare(plan, now) && !this.#hasLeast(plan, workers, now)) return false;
    this.#seconds.retried(now);
    this.#minutes.retried(now);
    return true;
  }

  #hasShare({ percent, interval }: RetryBudgetPlan, now: number): boolean {
    const window = this.#of(interval);
    return 100 * (window.retries(interval, now) + 1) <= percent * window.requests(interval, now);
  }

  #hasLeast({ least, leastInterval }: RetryBudgetPlan, workers: number, now: number): boolean {
    return this.#of(leastInterval).retries(leastInterval, now) < Math.ceil(least / workers);
  }

  #of(interval: number): Window {
    return interval > MINUTE_MS ? this.#minutes : this.#seconds;
  }
}

/** Requests and retries in slots of time. */
class Window {
  readonly #width: number;
  #slot = 0;
  /** Null before the first request: most clusters of a large configuration are idle. */
  #requests: Uint32Array | null = null;
  #retries: Uint32Array | null = null;

  constructor(width: number) {
    this.#width = width;
  }

  requested(now: number): void {
    this.#advance(now);
    increment((this.#requests ??= new Uint32Array(SLOTS)), this.#slot);
  }

  retried(now: number): void {
    this.#advance(now);
    increment((this.#retries ??= new Uint32Array(SLOTS)), this.#slot);
  }

  requests(interval: number, now: number): number {
    this.#advance(now);
    return this.#sum(this.#requests, interval);
  }

  retries(interval: number, now: number): number {
    this.#advance(now);
    return this.#sum(this.#retries, interval);
  }

  #sum(counts: Uint32Array | null, interval: number): number {
    if (counts === null) return 0;
    const slots = Math.min(SLOTS, Math.max(1, Math.ceil(interval / this.#width)));
    let sum = 0;
    for (let i = 0; i < slots; i++) sum += counts[(this.#slot - i) & (SLOTS - 1)] as number;
    return sum;
  }

  /** Empties the slots that have begun since the last call. */
  #advance(now: number): void {
    const slot = Math.floor(now / this.#width);
    if (slot === this.#slot) return;
    const passed = Math.min(SLOTS, slot - this.#slot);
    for (let i = 0; i < passed; i++) {
      const index = (slot - i) & (SLOTS - 1);
      if (this.#requests !== null) this.#requests[index] = 0;
      if (this.#retries !== null) this.#retries[index] = 0;
    }
    this.#slot = slot;
  }
}

function increment(counts: Uint32Array, slot: number): void {
  const index = slot & (SLOTS - 1);
  counts[index] = (counts[index] as number) + 1;
}
