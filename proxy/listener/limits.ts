// The number of connections of a worker over all of its ports; connections beyond the limit are refused at accept, before the first byte.

export class ConnectionLimit {
  readonly #max: number;
  #open = 0;
  #accepted = 0;
  #refused = 0;

  /** `max` open connections; 0 is unlimited. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Open connections. */
  get open(): number {
    return this.#open;
  }

  /** Accepted connections since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Refused connections since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Reserves a place, or counts a refusal. Release each reserved place once with `leave`. */
  enter(): boolean {
    if (this.#max > 0 && this.#open >= this.#max) {
      this.#refused++;
      return false;
    }
    this.#open++;
    this.#accepted++;
    return true;
  }

  leave(): void {
    this.#open--;
  }
}
