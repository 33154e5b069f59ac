// A stream as a client sees it: the request goes out, the answer comes in.
//
//   request:  open ──end of it, all sent──> ended            answer:  head due ──head──> body due ──END_STREAM──> ended
//   The answer's end is the end of the stream: what is not sent of the request by then nobody asked for.
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

/** What such a stream needs of its connection besides. */
export interface UpstreamStreamOwner extends StreamOwner {
  readonly events: UpstreamEvents;
  readonly maxInformational: number;
  /** The stream waits for a window or for the socket. */
  blocked(stream: H2UpstreamStream): void;
  /** The stream is over: reset where it has a code to be reset with. */
  ended(stream: H2UpstreamStream): void;
}

export class H2UpstreamStream extends H2Stream implements UpstreamStream {
  readonly #owner: UpstreamStreamOwner;
  /** Null once it was told its end, or has given up. */
  #attempt: Attempt | null;
  /** A tunnel was asked for, and is open once the answer has agreed. */
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

  /** The head was sent; `flagsAt` as for `remember`. gRPC servers see the end of a call on DATA alone, as its protocol has it. */
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

  /** Silence counts once the backend has all it needs to go on. */
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

  /** Takes a header list: a 1xx answer, or the head. Trailers are told apart before. */
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

  /** Whether a tunnel was asked for and granted. Anything else is an answer like any other, to a request whose end was not sent. */
  #agrees(status: number): boolean {
    this.#tunnel &&= isSuccess(status);
    return this.#tunnel;
  }

  #takeFinal(attempt: Attempt, ended: boolean): void {
    const { status, headers, length } = responseHead;
    const bodiless = isBodiless(status) || attempt.exchange.method === 'HEAD';
    // Section 8.1.1: what is named must come, but for answers that only tell what would.
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

  /** In the terms of HTTP/1.1, whose client has sent a key. */
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

  get headRead(): boolean {
    return this.#headRead;
  }

  /** All of the answer has come, whether or not it could be passed on yet. */
  get complete(): boolean {
    return this.#headRead && !this.inboundOpen && !this.#tunnel;
  }

  protected deliver(piece: Buffer): void {
    if (!this.#headRead) return this.#malformed();
    if (this.#attempt !== null) this.#owner.events.responseData(this.#attempt, piece);
  }

  /** The stream is left first, so that what the end sets off can use its place. */
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

  // The ways out

  abort(): void {
    this.#attempt = null;
    if (this.closed) return;
    this.resetCode = CODE.cancel;
    this.#owner.ended(this);
  }

  /** Resets the stream and tells why. */
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

  /** Tells why, when the stream is gone already. */
  failed(error: ExchangeError): void {
    const attempt = this.#attempt;
    this.#attempt = null;
    if (attempt !== null) this.#owner.events.upstreamFailed(attempt, error);
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
