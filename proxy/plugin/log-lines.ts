// Limits the lines that a plugin causes in the log of the proxy, by a bucket that fills again.

/** Lines at once, and per second. */
const BURST = 100;
const RATE = 10;

export class LogLines {
  readonly #dropped: (lines: number) => void;
  #room = BURST;
  #since = performance.now();

  /** `dropped` counts lines that are left out. */
  constructor(dropped: (lines: number) => void) {
    this.#dropped = dropped;
  }

  /** Whether a line may be written. */
  admit(): boolean {
    const now = performance.now();
    this.#room = Math.min(BURST, this.#room + ((now - this.#since) * RATE) / 1_000);
    this.#since = now;
    if (this.#room < 1) {
      this.#dropped(1);
      return false;
    }
    this.#room--;
    return true;
  }
}
