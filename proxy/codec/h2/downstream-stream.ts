// A stream on the server side: receives the request, sends the answer.
//
//   request:  open ──END_STREAM──> ended            answer:  open ──end of it, all sent──> ended
// After the end of both, or a reset by either side, the stream is closed and the connection removes it.
import { turnTime } from '#lib/turn-clock.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import { Exchange } from '../../exchange/exchange.ts';
import type { DownstreamConnection } from '../../exchange/exchange.ts';
import { removeHeader } from '../../exchange/headers.ts';
import { Lag } from '../../exchange/lag.ts';
import type { Limits } from '../../exchange/limits.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { DownstreamEvents, DownstreamStream } from '../../exchange/stream.ts';
import { isBodiless } from '../h1/status-lines.ts';
import { ACCEPT } from '../websocket/accept.ts';
import { CODE } from './frames.ts';
import { H2Stream } from './stream.ts';
import type { StreamOwner } from './stream.ts';

/** The additional interface of its connection. */
export interface DownstreamStreamOwner extends StreamOwner {
  readonly events: DownstreamEvents;
  readonly connection: DownstreamConnection;
  readonly limits: Limits;
  /** The client may not send on the whole connection, regardless of the state of its streams. */
  readonly inboundShut: boolean;
  /** The stream waits for a window or for the socket. */
  blocked(stream: H2DownstreamStream): void;
  /** The answer is over: the stream is reset if it has an error code, or if its request is incomplete. */
  answered(stream: H2DownstreamStream): void;
  /** The peer violated the protocol: the stream and its exchange are reset. */
  reset(stream: H2DownstreamStream, code: number): void;
}

export class H2DownstreamStream extends H2Stream implements DownstreamStream {
  readonly exchange: Exchange;
  readonly #owner: DownstreamStreamOwner;
  #bodyBytes = 0;
  /** The request path does not have the request yet. */
  #untold = true;
  /** It came without a body. */
  #wasEmpty = false;
  /** Everything was passed on: the request path does not use this exchange any more. */
  #answerDone = false;
  #headSent = false;
  #bodiless = false;
  /** The lag of the client, with its body and with the answer; null before either started. */
  #inbound: Lag | null = null;
  #outbound: Lag | null = null;

  constructor(id: number, owner: DownstreamStreamOwner, sendWindow: number) {
    super(id, owner, sendWindow);
    this.#owner = owner;
    this.exchange = new Exchange(owner.connection, this, turnTime());
  }

  /** The request path has completed the answer. */
  get answerDone(): boolean {
    return this.#answerDone;
  }

  // The request

  get peerOwes(): boolean {
    if (this.paused || this.#answerDone) return false;
    return this.exchange.tunnel || (this.inboundOpen && (this.#untold || this.exchange.requestLength !== 0));
  }

  get mayBeSilent(): boolean {
    return this.exchange.grpc || this.exchange.tunnel;
  }

  protected get deaf(): boolean {
    return this.#answerDone;
  }

  /** The head has arrived, and a body of the announced length follows. */
  awaitBody(): void {
    const { requestLength } = this.exchange;
    this.expect(requestLength);
    if (requestLength === 0) return;
    this.#inbound = new Lag(this.#owner.limits.minRequestBodyRate);
    this.#inbound.begin(this.#owner.now);
  }

  /** Passes on the request. A request with an empty body is passed on at its end, so that a malformed one never is. */
  begin(): void {
    const { exchange } = this;
    if (this.inboundOpen && exchange.requestLength === 0 && exchange.upgrade === '') return;
    this.#untold = false;
    // A filter may give the request another body.
    this.#wasEmpty = exchange.requestLength === 0;
    this.#owner.events.requestHead(exchange);
    if (this.#wasEmpty && !this.#answerDone && !exchange.tunnel) this.#owner.events.requestEnd(exchange, null);
  }

  /** The request cannot be accepted. */
  refuse(error: ExchangeError): void {
    this.#untold = false;
    this.#owner.events.requestRefused(this.exchange, error);
  }

  /** The request failed after its head. */
  break(error: ExchangeError): void {
    if (this.#untold) this.refuse(error);
    else this.#owner.events.requestFailed(this.exchange, error);
  }

  /** The peer has left, or has reset the stream. */
  lose(): void {
    const untold = this.#untold;
    this.#untold = false;
    if (untold) this.#owner.events.requestTorn(this.exchange, ERRORS.downstreamReset);
    else this.#owner.events.downstreamFailed(this.exchange, ERRORS.downstreamReset);
  }

  override get inboundLag(): number {
    const lag = this.#inbound;
    if (lag === null || !lag.running || !this.peerOwes) return 0;
    if (this.#owner.inboundShut) lag.resume(this.#owner.now);
    return lag.at(this.#owner.now);
  }

  override get outboundLag(): number {
    const lag = this.#outbound;
    return lag === null || !lag.running ? 0 : lag.at(this.#owner.now);
  }

  lag(): number {
    return Math.max(this.inboundLag, this.outboundLag);
  }

  /** Any progress is enough if long silence is allowed; a request with an answer may be part of a conversation. */
  get #isPatient(): boolean {
    return this.mayBeSilent || this.#headSent;
  }

  override data(buffer: Buffer, start: number, end: number): void {
    const { maxRequestBodyBytes } = this.#owner.limits;
    if (this.#inbound !== null && this.#inbound.running && end > start) {
      this.#inbound.moved(end - start, this.#owner.now, this.#isPatient);
    }
    this.#bodyBytes += end - start;
    if (maxRequestBodyBytes === 0 || this.#bodyBytes <= maxRequestBodyBytes || this.exchange.upgrade !== '' || this.#untold)
      return super.data(buffer, start, end);
    this.#owner.credit(end - start);
    this.dropHeld();
    if (!this.#answerDone) this.break(ERRORS.requestBodyTooLarge);
  }

  protected deliver(piece: Buffer): void {
    this.#owner.events.requestData(this.exchange, piece);
  }

  /** The end of a request without a body is passed on with its head. */
  protected deliverEnd(trailers: Headers | null): void {
    if (this.#untold) this.begin();
    else if (this.exchange.tunnel) this.#endTunnel();
    else if (!this.#wasEmpty) this.#owner.events.requestEnd(this.exchange, trailers);
  }

  /** The peer sends no more. The answer continues, or has ended before. */
  #endTunnel(): void {
    this.#owner.events.requestEnd(this.exchange, null);
    if (!this.exchange.responseEnded || this.closed) return;
    this.#answerDone = true;
    if (this.outboundDone) this.#owner.answered(this);
  }

  protected lengthMismatch(): void {
    this.resetCode = CODE.protocolError;
    if (this.#answerDone) this.#owner.reset(this, CODE.protocolError);
    else this.break(ERRORS.requestMalformed);
  }

  protected exchangeOrNull(): Exchange {
    return this.exchange;
  }

  pauseRequest(): void {
    this.#inbound?.pause(this.#owner.now);
    this.pause();
  }

  resumeRequest(): void {
    if (this.exchange.upgrade !== '' && !this.exchange.tunnel) return;
    this.#inbound?.resume(this.#owner.now);
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
    if (exchange.status === 101) return this.#writeAgreement(exchange);
    const { status, responseLength } = exchange;
    this.#bodiless = isBodiless(status) || exchange.method === 'HEAD';
    // RFC 9110 section 8.6: never in a 204.
    const told = status === 204 ? UNKNOWN_LENGTH : responseLength;
    this.remember(this.#owner.heads.answer(this.id, status, exchange.responseHeaders, told, exchange.secrets));
  }

  /** RFC 8441 section 5: a 200 accepts the tunnel; there is no key to answer. */
  #writeAgreement(exchange: Exchange): void {
    removeHeader(exchange.responseHeaders, ACCEPT);
    this.#owner.heads.answer(this.id, 200, exchange.responseHeaders, -1, exchange.secrets);
  }

  writeData(_exchange: Exchange, chunk: Buffer): boolean {
    return this.closed || this.#bodiless ? true : this.send(chunk);
  }

  end(exchange: Exchange, trailers: Headers | null): void {
    // A tunnel may end in one direction first.
    this.#answerDone = !exchange.tunnel || exchange.requestEnded;
    if (this.#answerDone) this.dropHeld();
    if (!this.closed) this.finish(trailers);
  }

  protected drained(): void {
    this.#outbound?.pause(this.#owner.now);
    this.#owner.events.downstreamDrained(this.exchange);
  }

  protected blocked(): void {
    this.#owner.blocked(this);
    this.#outbound ??= new Lag(this.#owner.limits.minResponseRate);
    if (!this.#outbound.running) this.#outbound.begin(this.#owner.now);
  }

  protected override taken(octets: number): void {
    this.#outbound?.moved(octets, this.#owner.now, this.mayBeSilent);
  }

  protected outboundEnded(): void {
    if (this.#answerDone) this.#owner.answered(this);
  }

  abort(): void {
    this.#answerDone = true;
    if (this.closed) return;
    if (this.resetCode === CODE.noError) this.resetCode = this.exchange.tunnel ? CODE.cancel : CODE.internalError;
    this.#owner.answered(this);
  }

  /** The stream carries raw bytes in both directions. */
  startTunnel(): void {
    this.expect(UNKNOWN_LENGTH);
    this.resume();
  }
}
