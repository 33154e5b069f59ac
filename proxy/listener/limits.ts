// How many connections a worker holds: counted over all of its ports, refused at accept, before a byte is read.

export class ConnectionLimit {
  readonly #max: number;
  #open = 0;
  #accepted = 0;
  #refused = 0;

  /** `max` open connections; 0 is unlimited. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#open;
  }

  /** Connections that were let in since the start. */
  get accepted(): number {
    return this.#accepted;
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
    this.#accepted++;
    return true;
  }

  leave(): void {
    this.#open--;
  }
}
