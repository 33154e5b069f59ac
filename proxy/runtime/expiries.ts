// Tells when the next of many points in time has come, with one timer.

/** Timers of Node hold 31 bits of milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export class Expiries {
  readonly #now: () => number;
  readonly #passed: (keys: readonly string[]) => void;
  /** Points in time in the future, milliseconds since the epoch, by key. */
  readonly #times = new Map<string, readonly number[]>();
  #timer: NodeJS.Timeout | null = null;
  #next = Infinity;

  /** `passed` gets the keys that have a point in time which has come. */
  constructor(now: () => number, passed: (keys: readonly string[]) => void) {
    this.#now = now;
    this.#passed = passed;
  }

  /** Replaces the points in time of a key. */
  set(key: string, times: readonly number[]): void {
    const future = times.filter((time) => time > this.#now() && time < Infinity);
    if (future.length === 0) this.#times.delete(key);
    else this.#times.set(key, future);
    // A timer that fires too early finds nothing and is set again.
    if (Math.min(...future) < this.#next) this.#arm(Math.min(...future));
  }

  /** Ends the timer. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#next = Infinity;
  }

  #arm(next: number): void {
    this.close();
    if (next === Infinity) return;
    this.#next = next;
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(next - this.#now(), 0), MAX_DELAY_MS)).unref();
  }

  #fire(): void {
    const now = this.#now();
    const passed = [...this.#times].filter(([, times]) => times.some((time) => time <= now));
    for (const [key, times] of passed) {
      const future = times.filter((time) => time > now);
      if (future.length === 0) this.#times.delete(key);
      else this.#times.set(key, future);
    }
    let next = Infinity;
    for (const times of this.#times.values()) next = Math.min(next, ...times);
    this.#arm(next);
    if (passed.length > 0) this.#passed(passed.map(([key]) => key));
  }
}
