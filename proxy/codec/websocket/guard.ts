// Holds a WebSocket to limits: both of its directions pass through here where a route asks for that, and nowhere else. Who
// breaks a limit or the protocol is told why with a close frame, and so is the other side.
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

/** With a payload by which pongs in a trace can be told. */
const PING = Buffer.concat([Buffer.from([0x89, 4]), Buffer.from('weir')]);

/** What guards need of their worker. */
export interface GuardSurroundings {
  readonly wheel: TimerWheel;
  /** The tunnel is to be closed. */
  readonly over: (exchange: Exchange, error: ExchangeError) => void;
  /** The tunnel is closed. */
  readonly ended: (exchange: Exchange) => void;
}

export class WebSocketGuard implements WebSocketTunnel, LifespanOwner {
  readonly #exchange: Exchange;
  readonly #surroundings: GuardSurroundings;
  readonly #lifespan: Lifespan;
  readonly #conversation: Conversation;
  /** What is wrong with the frame that was not let through. */
  #breach: ExchangeError | null = null;
  #leaving: ExchangeError | null = null;

  /** The messages that the client may begin; null: without a limit. */
  readonly #messages: TokenBucket | null;

  /** `exchange`: with the head of an answer that agrees. */
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

  /** Passes on what may pass of the client. False: the backend is behind. */
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

  /** Passes on what may pass of the backend. False: the client is behind. */
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

  /** Who is amid a frame of the backend gets data, which is as good. */
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

  /**
   * Tells both sides why the WebSocket ends. False: one of them is amid a frame, so that nothing can be said to it and it must
   * be cut.
   */
  sayWhy(exchange: Exchange, error: ExchangeError): boolean {
    if (!this.#isAtBoundary) return false;
    this.#conversation.sayWhy(exchange, error);
    return true;
  }

  get #isAtBoundary(): boolean {
    return this.#conversation.requests.atBoundary && this.#conversation.responses.atBoundary;
  }
}
