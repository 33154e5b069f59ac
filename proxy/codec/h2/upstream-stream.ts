// A stream on the client side: sends the request, receives the answer.
//
//   request:  open ──end of it, all sent──> ended            answer:  head due ──head──> body due ──END_STREAM──> ended
// The end of the answer is the end of the stream: the rest of the request is not needed then.
import type { Attempt } from '../../exchange/attempt.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { removeHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { UpstreamEvents, UpstreamStream } from '../../exchange/stream.ts';
import { isBodiless } from '../h1/status-lines.ts';
import { ACCEPT, acceptFor, keyOf } from '../websocket/accept.ts';
import { CODE } from './frames.ts';
import { asksForTunnel } from './head-writer.ts';
import { responseHead, takeResponseHead } from './response-head.ts';
import { H2Stream } from './stream.ts';
import type { StreamOwner } from './stream.ts';

/** The additional interface of its connection. */
export interface UpstreamStreamOwner extends StreamOwner {
  readonly events: UpstreamEvents;
  readonly maxInformational: number;
  /** The stream waits for a window or for the socket. */
  blocked(stream: H2UpstreamStream): void;
  /** The stream is over: it is reset if it has an error code. */
  ended(stream: H2UpstreamStream): void;
}

export class H2UpstreamStream extends H2Stream implements UpstreamStream {
  readonly #owner: UpstreamStreamOwner;
  /** Null after its end was passed on, or after it was abandoned. */
  #attempt: Attempt | null;
  /** A tunnel was requested; it opens once the answer accepts it. */
  #tunnel: boolean;
  #headRead = false;
  #informational = 0;

  constructor(id: number, owner: UpstreamStreamOwner, sendWindow: number, attempt: Attempt) {
    super(id, owner, sendWindow);
    this.#owner = owner;
    this.#attempt = attempt;
    this.#tunnel = asksForTunnel(attempt.exchange);
    this.outboundDone = attempt.exchange.requestLength === 0 && !this.#tunnel;
  }

  // The request

  writeData(chunk: Buffer): boolean {
    return this.closed || this.outboundDone ? true : this.send(chunk);
  }

  end(trailers: Headers | null): void {
    if (!this.closed && !this.outboundDone) this.finish(trailers);
  }

  /** The head was sent; `flagsAt` as for `remember`. gRPC servers expect the end of a call on a DATA frame, as in its protocol. */
  headSent(flagsAt: number): void {
    if (this.mayBeSilent) this.#owner.sent();
    else this.remember(flagsAt);
  }

  protected drained(): void {
    if (this.#attempt !== null) this.#owner.events.upstreamDrained(this.#attempt);
  }

  protected blocked(): void {
    this.#owner.blocked(this);
  }

  protected outboundEnded(): void {
    this.receivedAt = this.#owner.now;
    if (!this.#tunnel || this.inboundOpen) return;
    this.#attempt = null;
    this.#owner.ended(this);
  }

  // The answer

  /** Silence counts once the backend has everything to continue. */
  get peerOwes(): boolean {
    return (this.outboundDone || this.#tunnel) && !this.paused;
  }

  get mayBeSilent(): boolean {
    return this.#attempt !== null && (this.#attempt.exchange.grpc || this.#attempt.exchange.tunnel);
  }

  protected exchangeOrNull(): Exchange | null {
    return this.#attempt === null ? null : this.#attempt.exchange;
  }

  protected get deaf(): boolean {
    return this.#attempt === null;
  }

  /** Reads a header list: a 1xx answer, or the head. Trailers are recognised before. */
  takeHead(list: readonly string[], ended: boolean): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    attempt.reused = false;
    this.receivedAt = this.#owner.now;
    if (!takeResponseHead(list) || responseHead.status === 101) return this.#malformed();
    if (responseHead.status < 200) this.#takeInformational(attempt, ended);
    else if (this.#agrees(responseHead.status)) this.#openTunnel(attempt, ended);
    else this.#takeFinal(attempt, ended);
  }

  /** Whether a tunnel was requested and accepted. Any other answer is an ordinary one, to a request without an end. */
  #agrees(status: number): boolean {
    this.#tunnel &&= isSuccess(status);
    return this.#tunnel;
  }

  #takeFinal(attempt: Attempt, ended: boolean): void {
    const { status, headers, length } = responseHead;
    const bodiless = isBodiless(status) || attempt.exchange.method === 'HEAD';
    // Section 8.1.1: an announced length must be that of the body, except in answers that only describe one.
    if (ended && length > 0 && !bodiless) return this.#malformed();
    this.#headRead = true;
    this.inboundOpen = !ended;
    this.expect(bodiless ? 0 : length);
    attempt.status = status;
    attempt.headers = headers;
    attempt.version = 20;
    attempt.length = length === UNKNOWN_LENGTH && ended && !bodiless ? 0 : length;
    this.#owner.events.responseHead(attempt);
    if (ended) this.deliverEnd(null);
  }

  /** In the form of HTTP/1.1, whose client sent a key. */
  #openTunnel(attempt: Attempt, ended: boolean): void {
    const { headers } = responseHead;
    this.#headRead = true;
    this.inboundOpen = !ended;
    removeHeader(headers, ACCEPT);
    const key = attempt.exchange.version < 20 ? keyOf(attempt.exchange.requestHeaders) : null;
    if (key !== null) headers.push(ACCEPT, acceptFor(key));
    attempt.status = 101;
    attempt.headers = headers;
    attempt.length = UNKNOWN_LENGTH;
    this.#owner.events.responseHead(attempt);
    if (ended) this.deliverEnd(null);
  }

  #malformed(): void {
    this.fail(ERRORS.upstreamMalformed, CODE.protocolError);
  }

  #takeInformational(attempt: Attempt, ended: boolean): void {
    if (ended || ++this.#informational > this.#owner.maxInformational) return this.#malformed();
    this.#owner.events.responseInformational(attempt, responseHead.status, responseHead.headers);
  }

  /** Null once the attempt is over. */
  get attempt(): Attempt | null {
    return this.#attempt;
  }

  get headRead(): boolean {
    return this.#headRead;
  }

  /** The answer is complete, although parts of it may still be held back. */
  get complete(): boolean {
    return this.#headRead && !this.inboundOpen && !this.#tunnel;
  }

  protected deliver(piece: Buffer): void {
    if (!this.#headRead) return this.#malformed();
    if (this.#attempt !== null) this.#owner.events.responseData(this.#attempt, piece);
  }

  /** The stream is removed first, so that the consequences of the end can use its place. */
  protected deliverEnd(trailers: Headers | null): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    if (!this.#headRead) return this.#malformed();
    if (this.#tunnel && !this.outboundDone) return this.#owner.events.responseEnd(attempt, null);
    this.#attempt = null;
    if (!this.outboundDone) this.resetCode = CODE.cancel;
    this.#owner.ended(this);
    this.#owner.events.responseEnd(attempt, trailers);
  }

  protected lengthMismatch(): void {
    this.fail(this.inboundOpen ? ERRORS.upstreamMalformed : ERRORS.upstreamBodyTruncated, CODE.protocolError);
  }

  pauseResponse(): void {
    this.pause();
  }

  resumeResponse(): void {
    this.resume();
  }

  // Endings

  abort(): void {
    this.#attempt = null;
    if (this.closed) return;
    this.resetCode = CODE.cancel;
    this.#owner.ended(this);
  }

  /** Resets the stream and reports the error. */
  fail(error: ExchangeError, code: number): void {
    if (!this.closed) {
      this.resetCode = code;
      this.#owner.ended(this);
    }
    this.failed(error);
  }

  /** The backend reset the stream with this code. */
  resetBy(code: number): void {
    if (this.#attempt !== null) this.#attempt.resetCode = code;
  }

  /** Reports the error of a stream that has already ended. */
  failed(error: ExchangeError): void {
    const attempt = this.#attempt;
    this.#attempt = null;
    if (attempt !== null) this.#owner.events.upstreamFailed(attempt, error);
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
