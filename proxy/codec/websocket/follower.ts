// Follows a WebSocket that nothing limits: everything passes as it comes. Frames are followed for what they tell, and so that the end
// of the proxy can be said between two of them; a peer that does not keep to the protocol is simply no longer followed.
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange, WebSocketClose, WebSocketTunnel } from '../../exchange/exchange.ts';
import { Conversation } from './conversation.ts';
import type { ScanLimits } from './scanner.ts';

const NO_LIMITS: ScanLimits = Object.freeze({ maxFrameBytes: 0, maxMessageBytes: 0 });
const UNKNOWN: WebSocketClose = Object.freeze({ code: 0, by: '' });

export class WebSocketFollower implements WebSocketTunnel {
  readonly #conversation: Conversation;
  /** Nobody knows any more where frames begin. */
  #lost = false;
  #leaving: ExchangeError | null = null;

  /** `exchange`: with the head of an answer that agrees. */
  constructor(exchange: Exchange) {
    this.#conversation = new Conversation(exchange, NO_LIMITS);
  }

  get received(): number {
    return this.#conversation.received;
  }

  get sent(): number {
    return this.#conversation.sent;
  }

  get close(): WebSocketClose {
    const { close } = this.#conversation;
    return this.#lost && close.by === '' ? UNKNOWN : close;
  }

  get ending(): ExchangeError | null {
    return this.#leaving !== null && this.#isBetweenFrames ? this.#leaving : null;
  }

  fromClient(exchange: Exchange, chunk: Buffer): boolean {
    if (!this.#lost) this.#lost = this.#conversation.fromClient(chunk) !== null;
    return exchange.upstream?.writeData(chunk) !== false;
  }

  fromBackend(exchange: Exchange, chunk: Buffer): boolean {
    if (!this.#lost) this.#lost = this.#conversation.fromBackend(chunk) !== null;
    return exchange.downstream.writeData(exchange, chunk);
  }

  leave(error: ExchangeError): boolean {
    this.#leaving = error;
    return this.#isBetweenFrames;
  }

  sayWhy(exchange: Exchange, error: ExchangeError): boolean {
    if (!this.#isBetweenFrames) return false;
    this.#conversation.sayWhy(exchange, error);
    return true;
  }

  end(): void {
    // There is nothing to let go of.
  }

  get #isBetweenFrames(): boolean {
    const { requests, responses } = this.#conversation;
    return !this.#lost && requests.betweenFrames && responses.betweenFrames;
  }
}
