// Follows a WebSocket without limits and forwards everything. It reads frames for metrics, and to send a close frame between two of them;
// it stops following a peer that violates the protocol.
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange, WebSocketClose, WebSocketTunnel } from '../../exchange/exchange.ts';
import { Conversation } from './conversation.ts';
import type { ScanLimits } from './scanner.ts';

const NO_LIMITS: ScanLimits = Object.freeze({ maxFrameBytes: 0, maxMessageBytes: 0 });
const UNKNOWN: WebSocketClose = Object.freeze({ code: 0, by: '' });

export class WebSocketFollower implements WebSocketTunnel {
  readonly #conversation: Conversation;
  /** The start of the next frame is unknown. */
  #lost = false;
  #leaving: ExchangeError | null = null;

  /** `exchange` has the head of an accepting answer. */
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
    // Nothing to release.
  }

  get #isBetweenFrames(): boolean {
    const { requests, responses } = this.#conversation;
    return !this.#lost && requests.betweenFrames && responses.betweenFrames;
  }
}
