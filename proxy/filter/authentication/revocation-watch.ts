// Ends requests under way and WebSockets whose credential does not hold any more.
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Consumers, FoundConsumer } from '../../exchange/consumers.ts';
import { Slot } from '../../exchange/slot.ts';

const STOP = new Slot<() => void>();

export class RevocationWatch {
  readonly #consumers: Consumers;
  readonly #end: (exchange: Exchange, error: ExchangeError) => void;

  constructor(consumers: Consumers, end: (exchange: Exchange, error: ExchangeError) => void) {
    this.#consumers = consumers;
    this.#end = end;
  }

  /** Watches the credential until the exchange is over. Another group or plan also ends the exchange: what it may do was decided before. */
  begin(exchange: Exchange, credential: FoundConsumer): void {
    this.stop(exchange);
    const stop = this.#consumers.watch(credential, () => this.#end(exchange, ERRORS.credentialRevoked));
    STOP.set(exchange, stop);
  }

  /** Stops watching. */
  stop(exchange: Exchange): void {
    const stop = STOP.get(exchange);
    if (stop === null) return;
    STOP.set(exchange, null);
    stop();
  }
}
