// Sums over about the last minute: the current and the previous window of counts, in fixed memory.

/** Milliseconds. */
export const WINDOW_MS = 60_000;

export class Recent {
  #previous: Float64Array;
  #current: Float64Array;
  #since: number;
  readonly #begun: number;

  /** `now`: milliseconds on a monotonic clock. */
  constructor(size: number, now: number) {
    this.#previous = new Float64Array(size);
    this.#current = new Float64Array(size);
    this.#since = now;
    this.#begun = now;
  }

  /** Adds values by index. */
  add(values: readonly number[], now: number): void {
    this.#turn(now);
    for (const [index, value] of values.entries()) this.#current[index] = (this.#current[index] ?? 0) + value;
  }

  /** The sums over the last window. */
  sums(now: number): readonly number[] {
    this.#turn(now);
    const share = 1 - (now - this.#since) / WINDOW_MS;
    return Array.from(this.#current, (value, index) => value + share * (this.#previous[index] ?? 0));
  }

  /** The seconds that the sums stand for. */
  seconds(now: number): number {
    return Math.min(WINDOW_MS, Math.max(1_000, now - this.#begun)) / 1_000;
  }

  #turn(now: number): void {
    const passed = Math.floor((now - this.#since) / WINDOW_MS);
    if (passed <= 0) return;
    const emptied = this.#previous.fill(0);
    this.#previous = passed === 1 ? this.#current : emptied;
    this.#current = passed === 1 ? emptied : this.#current.fill(0);
    this.#since += passed * WINDOW_MS;
  }
}
