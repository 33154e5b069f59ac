// A place on exchanges for the value of one kind of filter: its request half, its response half and its end share it. An exchange has few of
// them, in a short list of pairs.
import type { Exchange } from './exchange.ts';

/** Make one per kind of filter, at the start of the program. */
export class Slot<T> {
  /** The value in the exchange, or null. */
  get({ slots }: Exchange): T | null {
    if (slots === null) return null;
    const at = this.#find(slots);
    return at === -1 ? null : (slots[at + 1] as T | null);
  }

  set(exchange: Exchange, value: T | null): void {
    const { slots } = exchange;
    if (slots === null) {
      if (value !== null) exchange.slots = [this, value];
      return;
    }
    const at = this.#find(slots);
    if (at === -1) slots.push(this, value);
    else slots[at + 1] = value;
  }

  #find(slots: readonly unknown[]): number {
    for (let i = 0; i < slots.length; i += 2) if (slots[i] === this) return i;
    return -1;
  }
}
