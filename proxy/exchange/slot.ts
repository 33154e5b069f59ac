// A place on exchanges for the value of one kind of filter: its request half, its response half and its end share it.
import type { Exchange } from './exchange.ts';

/** Make one per kind of filter, at the start of the program. */
export class Slot<T> {
  static #count = 0;
  readonly #index = Slot.#count++;

  /** The value in the exchange, or null. */
  get({ slots }: Exchange): T | null {
    return slots === null ? null : ((slots[this.#index] as T | undefined) ?? null);
  }

  set(exchange: Exchange, value: T | null): void {
    (exchange.slots ??= [])[this.#index] = value;
  }
}
