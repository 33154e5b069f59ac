// How many connections a worker holds: counted over all of its ports, refused at accept, before a byte is read.

export class ConnectionLimit {
  readonly #max: number;
  #open = 0;
  #refused = 0;

  /** `max` open connections; 0 is unlimited. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#open;
  }

  /** Connections that were turned away since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes a place, or counts a refusal. Every place taken is given back once with `leave`. */
  enter(): boolean {
    if (this.#max > 0 && this.#open >= this.#max) {
      this.#refused++;
      return false;
    }
    this.#open++;
    return true;
  }

  leave(): void {
    this.#open--;
  }
}
