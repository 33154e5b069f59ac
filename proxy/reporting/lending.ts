// Limits of the fleet over the telemetry stream of a proxy: asks go to the controller, and what it lends comes back.
import { askMessage } from '#api/wire/lending.ts';
import { MAX_ASKS } from '#api/wire/telemetry-limits.ts';
import type { FromProxy, LendingMessage, ToProxy } from '#api/wire/telemetry-messages.ts';
import type { Ask, Lend } from '#lib/limit/share.ts';

/** What borrows of the controller. */
export interface Borrowing {
  /** A lender takes asks by this function; it lends to so many proxies. */
  found(lender: string, borrowers: number, send: (asks: readonly Ask[]) => void): void;
  receive(lends: readonly Lend[]): void;
  /** The fleet has so many proxies that do not drain. */
  counted(proxies: number): void;
  /** There is no lender. */
  lost(): void;
}

export class LendingLine {
  readonly #borrowing: Borrowing;
  readonly #send: (message: FromProxy) => unknown;

  constructor(borrowing: Borrowing, send: (message: FromProxy) => unknown) {
    this.#borrowing = borrowing;
    this.#send = send;
  }

  /** Takes a message about limits; others are ignored. */
  take(message: ToProxy): void {
    if (message.message === 'lending') this.#told(message.lending);
    else if (message.message === 'lends') this.#borrowing.receive(message.lends.lends);
  }

  #told({ lender, borrowers, proxies }: LendingMessage): void {
    if (lender === '') return this.#borrowing.lost();
    this.#borrowing.counted(Math.max(1, proxies === 0 ? borrowers : proxies));
    this.#borrowing.found(lender, borrowers, (asks) => {
      for (let i = 0; i < asks.length; i += MAX_ASKS)
        this.#send({ message: 'asks', asks: { asks: asks.slice(i, i + MAX_ASKS).map(askMessage) } });
    });
  }

  /** The stream has ended. */
  close(): void {
    this.#borrowing.lost();
  }
}
