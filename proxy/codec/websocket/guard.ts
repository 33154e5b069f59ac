// Holds a WebSocket to limits: both of its directions pass through here where a route asks for that, and nowhere else. Who
// breaks a limit or the protocol is told why with a close frame, and so is the other side.
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import type { WebSocketPlan } from '../../exchange/plan.ts';
import { FrameScanner } from './scanner.ts';

/** RFC 6455 section 7.4.1. */
const PROTOCOL_ERROR = 1_002;
const TOO_BIG = 1_009;

const CLOSE_CODES: ReadonlyMap<ExchangeError, number> = new Map([
  [ERRORS.webSocketMalformed, PROTOCOL_ERROR],
  [ERRORS.webSocketTooLarge, TOO_BIG],
]);

const CLOSE = 0x88;
const MASKED = 0x80;

/** A close frame. Masks are against caches that take frames for requests: there is nothing in this one that could be. */
function closeFrame(code: number, masked: boolean): Buffer {
  const status = [code >> 8, code & 0xff];
  return Buffer.from(masked ? [CLOSE, MASKED | 2, 0, 0, 0, 0, ...status] : [CLOSE, 2, ...status]);
}

export class WebSocketGuard {
  /** What is wrong with the frame that was not let through. */
  breach: ExchangeError | null = null;
  readonly #requests: FrameScanner;
  readonly #responses: FrameScanner;

  /** `exchange`: with the head of an answer that agrees. */
  constructor(exchange: Exchange, plan: WebSocketPlan) {
    const extensions = getHeader(exchange.responseHeaders, 'sec-websocket-extensions') ?? '';
    const compressed = extensions.toLowerCase().includes('permessage-deflate');
    this.#requests = new FrameScanner('client', compressed, plan);
    this.#responses = new FrameScanner('server', compressed, plan);
  }

  /** Passes on what may pass of the client. False: the backend is behind. */
  fromClient(exchange: Exchange, chunk: Buffer): boolean {
    this.breach = this.#requests.scan(chunk);
    const { before, passed } = this.#requests;
    const first = before.length === 0 || exchange.upstream?.writeData(exchange, before) !== false;
    const second = passed === 0 || exchange.upstream?.writeData(exchange, chunk.subarray(0, passed)) !== false;
    return first && second;
  }

  /** Passes on what may pass of the backend. False: the client is behind. */
  fromBackend(exchange: Exchange, chunk: Buffer): boolean {
    this.breach = this.#responses.scan(chunk);
    const { before, passed } = this.#responses;
    const first = before.length === 0 || exchange.downstream.writeData(exchange, before);
    const second = passed === 0 || exchange.downstream.writeData(exchange, chunk.subarray(0, passed));
    return first && second;
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
