// Exchanges whose client is gone, and whose answer others still need: they go on, and the rest has no receiver.
import type { ExchangeError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { NoClient } from './no-client.ts';

/** Takes the rest of an answer. */
class Departed extends NoClient {
  readonly #error: ExchangeError | null;

  constructor(error: ExchangeError | null) {
    super();
    this.#error = error;
  }

  end(exchange: Exchange): void {
    exchange.error ??= this.#error;
  }

  abort(exchange: Exchange): void {
    exchange.error ??= this.#error;
  }
}

/** The readers that need the answer of an exchange besides its client. */
export interface Heirs {
  readonly isAwaited: boolean;
}

/** The client has left. True: the exchange goes on for others, and the error is noted at its end. */
export function goesOn(exchange: Exchange, error: ExchangeError): boolean {
  if (exchange.downstream instanceof Departed) return true;
  if (exchange.heirs === null || !exchange.heirs.isAwaited) return false;
  exchange.downstream = new Departed(error);
  return true;
}

/** The client gets no more of the answer, and others do. */
export function cutClient(exchange: Exchange, error: ExchangeError): void {
  const { downstream } = exchange;
  if (downstream instanceof Departed) return;
  exchange.downstream = new Departed(error);
  downstream.abort(exchange);
}

/** A request like that of an exchange, as far as its filters have come, with an answer for no client. It is not counted. */
export function detachedCopy(exchange: Exchange): Exchange {
  const copy = new Exchange(exchange.connection, new Departed(null), performance.now());
  const { client, clientIdentity, method, authority, host, path, query, hasQuery, requestedAuthority, requestedPath } = exchange;
  Object.assign(copy, { client, clientIdentity, method, authority, host, path, query, hasQuery, requestedAuthority, requestedPath });
  const { version, secrets, principal, route, prefixLength, listener } = exchange;
  Object.assign(copy, { version, secrets, principal, route, prefixLength, listener });
  copy.requestHeaders = [...exchange.requestHeaders];
  copy.shadow = true;
  copy.requestEnded = true;
  copy.requestBodyEnded = true;
  return copy;
}
