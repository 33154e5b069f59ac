// A stream as a server sees it: the request comes in, the answer goes out.
//
//   request:  open ──END_STREAM──> ended            answer:  open ──end of it, all sent──> ended
//   Both ended, or reset by either side: closed, and forgotten by the connection.
import { ERRORS } from '../../exchange/errors.ts';
import { Exchange } from '../../exchange/exchange.ts';
import type { DownstreamConnection } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { DownstreamEvents, DownstreamStream } from '../../exchange/stream.ts';
import { isBodiless } from '../h1/status-lines.ts';
import { CODE } from './frames.ts';
import { H2Stream } from './stream.ts';
import type { StreamOwner } from './stream.ts';

/** What such a stream needs of its connection besides. */
export interface DownstreamStreamOwner extends StreamOwner {
  readonly events: DownstreamEvents;
  readonly connection: DownstreamConnection;
  readonly maxRequestBodyBytes: number;
  /** The stream waits for a window or for the socket. */
  blocked(stream: H2DownstreamStream): void;
  /** The answer is over: the stream is reset where it has a code to be reset with, or its request is not complete. */
  answered(stream: H2DownstreamStream): void;
  /** The peer did what it must not: the stream is reset, and so is its exchange. */
  reset(stream: H2DownstreamStream, code: number): void;
}

export class H2DownstreamStream extends H2Stream implements DownstreamStream {
  readonly exchange: Exchange;
  readonly #owner: DownstreamStreamOwner;
  #bodyBytes = 0;
  /** Everything was handed over: the request path knows this exchange no more. */
  #answerDone = false;
  #headSent = false;
  #bodiless = false;

  constructor(id: number, owner: DownstreamStreamOwner, sendWindow: number) {
    super(id, owner, sendWindow);
    this.#owner = owner;
    this.exchange = new Exchange(owner.connection, this, performance.now());
  }

  /** The request path has said all there is to say. */
  get answerDone(): boolean {
    return this.#answerDone;
  }

  // The request

  get peerOwes(): boolean {
    return this.inboundOpen && !this.paused && !this.#answerDone && this.exchange.requestLength !== 0;
  }

  get mayBeSilent(): boolean {
    return this.exchange.grpc;
  }

  protected get deaf(): boolean {
    return this.#answerDone;
  }

  override data(buffer: Buffer, start: number, end: number): void {
    const { maxRequestBodyBytes } = this.#owner;
    this.#bodyBytes += end - start;
    if (maxRequestBodyBytes === 0 || this.#bodyBytes <= maxRequestBodyBytes) return super.data(buffer, start, end);
    this.#owner.credit(end - start);
    this.dropHeld();
    if (!this.#answerDone) this.#owner.events.requestFailed(this.exchange, ERRORS.requestBodyTooLarge);
  }

  protected deliver(piece: Buffer): void {
    this.#owner.events.requestData(this.exchange, piece);
  }

  /** The end of a request without a body was told with its head. */
  protected deliverEnd(trailers: Headers | null): void {
    if (this.exchange.requestLength !== 0) this.#owner.events.requestEnd(this.exchange, trailers);
  }

  protected lengthMismatch(): void {
    this.resetCode = CODE.protocolError;
    if (this.#answerDone) this.#owner.reset(this, CODE.protocolError);
    else this.#owner.events.requestFailed(this.exchange, ERRORS.requestMalformed);
  }

  protected exchangeOrNull(): Exchange {
    return this.exchange;
  }

  pauseRequest(): void {
    this.pause();
  }

  resumeRequest(): void {
    this.resume();
  }

  // The answer

  writeInformational(status: number, headers: readonly string[]): void {
    if (this.closed || this.#headSent) return;
    this.#owner.heads.answer(this.id, status, headers, -1, this.exchange.secrets);
  }

  writeHead(exchange: Exchange): void {
    if (this.closed) return;
    this.#headSent = true;
    const { status, responseLength } = exchange;
    this.#bodiless = isBodiless(status) || exchange.method === 'HEAD';
    // RFC 9110 section 8.6: a 204 has none; what HEAD and 304 leave out is told only if it is known.
    const told = status === 204 || (this.#bodiless && responseLength === 0) ? -1 : responseLength;
    this.remember(this.#owner.heads.answer(this.id, status, exchange.responseHeaders, told, exchange.secrets));
  }

  writeData(_exchange: Exchange, chunk: Buffer): boolean {
    return this.closed || this.#bodiless ? true : this.send(chunk);
  }

  end(_exchange: Exchange, trailers: Headers | null): void {
    this.#answerDone = true;
    this.dropHeld();
    if (!this.closed) this.finish(trailers);
  }

  protected drained(): void {
    this.#owner.events.downstreamDrained(this.exchange);
  }

  protected blocked(): void {
    this.#owner.blocked(this);
  }

  protected outboundEnded(): void {
    this.#owner.answered(this);
  }

  abort(): void {
    this.#answerDone = true;
    if (this.closed) return;
    if (this.resetCode === CODE.noError) this.resetCode = CODE.internalError;
    this.#owner.answered(this);
  }

  /** Nothing to do: a stream carries bytes in both directions as it is. */
  startTunnel(): void {
    this.resume();
  }
}
