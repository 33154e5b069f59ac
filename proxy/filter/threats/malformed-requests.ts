// Requests that are no valid HTTP: no route and no policy sees them, so threat detection hears of them here.
import type { Exchange } from '../../exchange/exchange.ts';

/** Takes a malformed request. */
type Listener = (exchange: Exchange) => void;

export class MalformedRequests {
  readonly #listeners = new Set<Listener>();

  /** Calls the listener for each malformed request of a client, until the result is called. */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A request is malformed. Its peer is the client: no proxy in front may have sent it for another. */
  met(exchange: Exchange): void {
    for (const listener of this.#listeners) listener(exchange);
  }
}
