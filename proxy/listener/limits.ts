// The number of connections of a worker over all of its ports; connections beyond the limit are refused at accept, before the first byte.
import { SHEDS_NOTHING } from '../exchange/shedder.ts';
import type { Shedder } from '../exchange/shedder.ts';

export class ConnectionLimit {
  readonly #max: number;
  readonly #shedder: Shedder;
  #open = 0;
  #accepted = 0;
  #refused = 0;

  /** `max` open connections; 0 is unlimited. The shedder of an overloaded worker refuses connections, and counts them. */
  constructor(max: number, shedder: Shedder = SHEDS_NOTHING) {
    this.#max = max;
    this.#shedder = shedder;
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

  /** Reserves a place, or refuses. Release each reserved place once with `leave`. */
  enter(): boolean {
    if (this.#max > 0 && this.#open >= this.#max) {
      this.#refused++;
      return false;
    }
    if (this.#shedder.refusesConnection()) return false;
    this.#open++;
    this.#accepted++;
    return true;
  }

  leave(): void {
    this.#open--;
  }
}
