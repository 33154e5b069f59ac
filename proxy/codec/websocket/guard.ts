// Enforces the limits of a WebSocket: both directions pass through it if the route has limits. A close frame tells both sides of a
// violation of a limit or of the protocol.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange, WebSocketClose, WebSocketTunnel } from '../../exchange/exchange.ts';
import type { WebSocketPlan } from '../../exchange/plan.ts';
import { Conversation } from './conversation.ts';
import { Lifespan } from './lifespan.ts';
import type { LifespanOwner } from './lifespan.ts';
import type { FrameScanner } from './scanner.ts';

/** The payload makes its pongs recognisable in a trace. */
const PING = Buffer.concat([Buffer.from([0x89, 4]), Buffer.from('weir')]);

/** The interface of the worker for guards. */
export interface GuardSurroundings {
  readonly wheel: TimerWheel;
  /** Requests the end of the tunnel. */
  readonly over: (exchange: Exchange, error: ExchangeError) => void;
  /** The tunnel has ended. */
  readonly ended: (exchange: Exchange) => void;
}

export class WebSocketGuard implements WebSocketTunnel, LifespanOwner {
  readonly #exchange: Exchange;
  readonly #surroundings: GuardSurroundings;
  readonly #lifespan: Lifespan;
  readonly #conversation: Conversation;
  /** The error of the frame that was held back. */
  #breach: ExchangeError | null = null;
  #leaving: ExchangeError | null = null;

  /** The messages that the client may begin; null: without a limit. */
  readonly #messages: TokenBucket | null;

  /** `exchange` has the head of an accepting answer. */
  constructor(exchange: Exchange, plan: WebSocketPlan, surroundings: GuardSurroundings) {
    this.#exchange = exchange;
    this.#surroundings = surroundings;
    const rate = plan.messagesPerSecond;
    this.#messages = rate === 0 ? null : new TokenBucket({ burst: rate, perSecond: rate });
    this.#lifespan = new Lifespan(plan, surroundings.wheel, this);
    this.#conversation = new Conversation(exchange, plan);
  }

  get received(): number {
    return this.#conversation.received;
  }

  get sent(): number {
    return this.#conversation.sent;
  }

  get close(): WebSocketClose {
    return this.#conversation.close;
  }

  get ending(): ExchangeError | null {
    return this.#breach ?? (this.#isAtBoundary ? this.#leaving : null);
  }

  /** Forwards the allowed bytes of the client. False: the backend is behind. */
  fromClient(exchange: Exchange, chunk: Buffer): boolean {
    const { requests } = this.#conversation;
    this.#breach = this.#conversation.fromClient(chunk);
    this.#lifespan.heard();
    this.#note(requests);
    if (this.#breach === null && this.#isTooFast(requests.messages)) this.#breach = ERRORS.webSocketTooFast;
    const { before, passed } = requests;
    const first = before.length === 0 || exchange.upstream?.writeData(before) !== false;
    const second = passed === 0 || exchange.upstream?.writeData(chunk.subarray(0, passed)) !== false;
    return first && second;
  }

  /** Forwards the allowed bytes of the backend. False: the client is behind. */
  fromBackend(exchange: Exchange, chunk: Buffer): boolean {
    const { responses } = this.#conversation;
    this.#breach = this.#conversation.fromBackend(chunk);
    this.#note(responses);
    const { before, passed } = responses;
    const first = before.length === 0 || exchange.downstream.writeData(exchange, before);
    const second = passed === 0 || exchange.downstream.writeData(exchange, chunk.subarray(0, passed));
    return first && second;
  }

  #note(scanner: FrameScanner): void {
    if (scanner.sawData) this.#lifespan.active();
  }

  /** The burst is the number of messages a second. */
  #isTooFast(messages: number): boolean {
    return this.#messages !== null && messages > 0 && this.#messages.take(messages) > 0;
  }

  /** A client in the middle of a frame of the backend needs no ping: it gets data. */
  ping(): void {
    const { responses } = this.#conversation;
    if (responses.atBoundary && !responses.closed) this.#exchange.downstream.writeData(this.#exchange, PING);
  }

  over(error: ExchangeError): void {
    this.#surroundings.over(this.#exchange, error);
  }

  leave(error: ExchangeError): boolean {
    this.#leaving = error;
    return this.#isAtBoundary;
  }

  end(): void {
    this.#lifespan.end();
    this.#surroundings.ended(this.#exchange);
  }

  /** Sends both sides the reason for the end of the WebSocket. False: one side is in the middle of a frame, so that it must be cut. */
  sayWhy(exchange: Exchange, error: ExchangeError): boolean {
    if (!this.#isAtBoundary) return false;
    this.#conversation.sayWhy(exchange, error);
    return true;
  }

  get #isAtBoundary(): boolean {
    return this.#conversation.requests.atBoundary && this.#conversation.responses.atBoundary;
  }
}
