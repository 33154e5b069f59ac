// Holds a WebSocket to limits: both of its directions pass through here where a route asks for that, and nowhere else. Who
// breaks a limit or the protocol is told why with a close frame, and so is the other side.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange, TunnelGuard } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import type { WebSocketPlan } from '../../exchange/plan.ts';
import type { WebSocketCounts } from './counts.ts';
import { Lifespan } from './lifespan.ts';
import type { LifespanOwner } from './lifespan.ts';
import { FrameScanner } from './scanner.ts';

/** RFC 6455 section 7.4.1. */
const GOING_AWAY = 1_001;
const PROTOCOL_ERROR = 1_002;
const POLICY_VIOLATION = 1_008;
const TOO_BIG = 1_009;

const CLOSE_CODES: ReadonlyMap<ExchangeError, number> = new Map([
  [ERRORS.webSocketMalformed, PROTOCOL_ERROR],
  [ERRORS.webSocketTooLarge, TOO_BIG],
  [ERRORS.webSocketTooFast, POLICY_VIOLATION],
  ...[ERRORS.webSocketExpired, ERRORS.idleTimeout, ERRORS.connectionCut].map((error) => [error, GOING_AWAY] as const),
]);

const CLOSE = 0x88;
/** With a payload by which pongs in a trace can be told. */
const PING = Buffer.concat([Buffer.from([0x89, 4]), Buffer.from('weir')]);
const MASKED = 0x80;

/** A close frame. Masks are against caches that take frames for requests: there is nothing in this one that could be. */
function closeFrame(code: number, masked: boolean): Buffer {
  const status = [code >> 8, code & 0xff];
  return Buffer.from(masked ? [CLOSE, MASKED | 2, 0, 0, 0, 0, ...status] : [CLOSE, 2, ...status]);
}

/** What guards need of their worker. */
export interface GuardSurroundings {
  readonly wheel: TimerWheel;
  readonly counts: WebSocketCounts;
  /** The tunnel is to be closed. */
  readonly over: (exchange: Exchange, error: ExchangeError) => void;
}

export class WebSocketGuard implements TunnelGuard, LifespanOwner {
  /** What is wrong with the frame that was not let through. */
  breach: ExchangeError | null = null;
  readonly #exchange: Exchange;
  readonly #plan: WebSocketPlan;
  readonly #surroundings: GuardSurroundings;
  readonly #lifespan: Lifespan;
  readonly #requests: FrameScanner;
  readonly #responses: FrameScanner;

  /** Messages that the client may begin now, and when that was counted. */
  #allowance: number;
  #countedAt = performance.now();

  /** `exchange`: with the head of an answer that agrees. */
  constructor(exchange: Exchange, plan: WebSocketPlan, surroundings: GuardSurroundings) {
    this.#exchange = exchange;
    this.#plan = plan;
    this.#surroundings = surroundings;
    this.#allowance = plan.messagesPerSecond;
    this.#lifespan = new Lifespan(plan, surroundings.wheel, this);
    surroundings.counts.enter(exchange.route?.key ?? '');
    const extensions = getHeader(exchange.responseHeaders, 'sec-websocket-extensions') ?? '';
    const compressed = extensions.toLowerCase().includes('permessage-deflate');
    this.#requests = new FrameScanner('client', compressed, plan);
    this.#responses = new FrameScanner('server', compressed, plan);
  }

  /** Passes on what may pass of the client. False: the backend is behind. */
  fromClient(exchange: Exchange, chunk: Buffer): boolean {
    this.breach = this.#requests.scan(chunk);
    this.#lifespan.heard();
    this.#note(this.#requests);
    if (this.breach === null && this.#isTooFast(this.#requests.messages)) this.breach = ERRORS.webSocketTooFast;
    const { before, passed } = this.#requests;
    const first = before.length === 0 || exchange.upstream?.writeData(exchange, before) !== false;
    const second = passed === 0 || exchange.upstream?.writeData(exchange, chunk.subarray(0, passed)) !== false;
    return first && second;
  }

  /** Passes on what may pass of the backend. False: the client is behind. */
  fromBackend(exchange: Exchange, chunk: Buffer): boolean {
    this.breach = this.#responses.scan(chunk);
    this.#note(this.#responses);
    const { before, passed } = this.#responses;
    const first = before.length === 0 || exchange.downstream.writeData(exchange, before);
    const second = passed === 0 || exchange.downstream.writeData(exchange, chunk.subarray(0, passed));
    return first && second;
  }

  #note(scanner: FrameScanner): void {
    if (scanner.sawData) this.#lifespan.active();
  }

  /** As many at once as in a second. */
  #isTooFast(messages: number): boolean {
    const rate = this.#plan.messagesPerSecond;
    if (rate === 0 || messages === 0) return false;
    const now = performance.now();
    this.#allowance = Math.min(rate, this.#allowance + ((now - this.#countedAt) / 1_000) * rate) - messages;
    this.#countedAt = now;
    return this.#allowance < 0;
  }

  /** Who is amid a frame of the backend gets data, which is as good. */
  ping(): void {
    if (this.#responses.atBoundary && !this.#responses.closed) this.#exchange.downstream.writeData(this.#exchange, PING);
  }

  over(error: ExchangeError): void {
    this.#surroundings.over(this.#exchange, error);
  }

  end(): void {
    this.#lifespan.end();
    this.#surroundings.counts.leave(this.#exchange.route?.key ?? '');
  }

  /**
   * Tells both sides why the WebSocket ends. False: one of them is amid a frame, so that nothing can be said to it and it must
   * be cut.
   */
  sayWhy(exchange: Exchange, error: ExchangeError): boolean {
    if (!this.#requests.atBoundary || !this.#responses.atBoundary) return false;
    const code = CLOSE_CODES.get(error) ?? PROTOCOL_ERROR;
    if (!this.#requests.closed) exchange.upstream?.writeData(exchange, closeFrame(code, true));
    if (!this.#responses.closed) exchange.downstream.writeData(exchange, closeFrame(code, false));
    return true;
  }
}
