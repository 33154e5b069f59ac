// The attempts at an endpoint over the last one to two intervals: how many, how many of them failed, and how long answers took.

export class OutlierWindow {
  readonly #interval: number;
  #began = 0;
  #now = new Counts();
  #before = new Counts();

  constructor(interval: number) {
    this.#interval = interval;
  }

  get requests(): number {
    return this.#now.requests + this.#before.requests;
  }

  get failures(): number {
    return this.#now.failures + this.#before.failures;
  }

  /** Answers with a measured time. */
  get answers(): number {
    return this.#now.answers + this.#before.answers;
  }

  /** The mean time to the head of an answer, milliseconds; 0 without answers. */
  get latency(): number {
    return (this.#now.ms + this.#before.ms) / Math.max(1, this.answers);
  }

  /** Adds an attempt that ended now. `ms`: -1 without an answer. */
  add(now: number, failed: boolean, ms: number): void {
    this.advance(now);
    this.#now.requests++;
    if (failed) this.#now.failures++;
    if (ms < 0) return;
    this.#now.answers++;
    this.#now.ms += ms;
  }

  /** Forgets what is older than two intervals. */
  advance(now: number): void {
    const passed = now - this.#began;
    if (passed < this.#interval) return;
    const spare = this.#before;
    this.#before = this.#now;
    this.#now = spare;
    this.#now.clear();
    if (passed >= 2 * this.#interval) this.#before.clear();
    this.#began = now;
  }

  clear(): void {
    this.#now.clear();
    this.#before.clear();
  }
}

class Counts {
  requests = 0;
  failures = 0;
  answers = 0;
  ms = 0;

  clear(): void {
    this.requests = 0;
    this.failures = 0;
    this.answers = 0;
    this.ms = 0;
  }
}
