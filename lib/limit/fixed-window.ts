// A fixed window, or a quota of the calendar: everything is left again when the window ends.
import type { WindowOf, Window } from './calendar.ts';
import type { Meter } from './meter.ts';

export class FixedWindow implements Meter {
  readonly #limit: number;
  readonly #windowOf: WindowOf;
  readonly #now: () => number;
  #window: Window = { start: 0, end: 0 };
  #taken = 0;

  /** `now`: the wall clock. */
  constructor(limit: number, windowOf: WindowOf, now: () => number) {
    this.#limit = limit;
    this.#windowOf = windowOf;
    this.#now = now;
  }

  take(cost: number): boolean {
    this.#turn();
    if (this.#taken + cost > this.#limit) return false;
    this.#taken += cost;
    return true;
  }

  charge(cost: number): void {
    this.#turn();
    this.#taken += cost;
  }

  learn(count: number): void {
    this.charge(count);
  }

  giveBack(count: number): void {
    this.#turn();
    this.#taken = Math.max(0, this.#taken - count);
  }

  left(): number {
    this.#turn();
    return Math.max(0, this.#limit - this.#taken);
  }

  resetMs(): number {
    const now = this.#turn();
    return this.#taken === 0 ? 0 : this.#window.end - now;
  }

  waitMs(cost: number): number {
    const now = this.#turn();
    return this.#taken + cost <= this.#limit ? 0 : this.#window.end - now;
  }

  /**
   * Begins the window of this moment. A clock that is set back a little does not begin the former window again: its units would be given
   * twice. One that is set back by more than a window does, because the wait for the kept window could be endless.
   */
  #turn(): number {
    const now = this.#now();
    const { start, end } = this.#window;
    if (now >= start && now < end) return now;
    if (now < start && start - now <= end - start) return now;
    this.#window = this.#windowOf(now);
    this.#taken = 0;
    return now;
  }
}
