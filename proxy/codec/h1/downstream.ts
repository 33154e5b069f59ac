// A downstream HTTP/1.1 connection: bytes > exchanges, one at a time and in order, and answers > bytes.
//
//   idle ──first byte──> head ──complete──> body ──read──> answering ──answered──> idle
//     │                    │ refused            │ answered early, much is left        │ close wanted
//     └──> gone <──────────┴──> lingering <─────┴─────────────────────────────────────┘
//   answering ──101──> tunnel ──both ends done──> gone
//
// A lingering connection has sent its last answer; it reads on so that the peer sees the answer instead of a reset.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import { Exchange, isEndless } from '../../exchange/exchange.ts';
import { Lag } from '../../exchange/lag.ts';
import type { DownstreamConnection } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { DownstreamEvents, DownstreamStream } from '../../exchange/stream.ts';
import { Answer } from './answer.ts';
import { TOKEN } from './characters.ts';
import { cut } from './cut.ts';
import { DepartureProbe } from './departure-probe.ts';
import { fieldLines } from './field-lines.ts';
import { findHeadEnd } from './head-end.ts';
import { Output } from './output.ts';
import { RequestBody } from './request-body.ts';
import type { BodySink } from './request-body.ts';
import { parseRequestHead, requestHead } from './request-head.ts';
import type { H1Settings } from './settings.ts';
import { statusLine } from './status-lines.ts';
import { WriteWatch } from './write-watch.ts';

type State = 'idle' | 'head' | 'body' | 'answering' | 'tunnel' | 'lingering' | 'gone';

const EMPTY = Buffer.alloc(0);
/** The length of a request line without its target: method, version and spaces. */
const REST_OF_LINE = 48;
const LF = 0x0a;
const CR = 0x0d;
/** The first bytes of an HTTP/2 connection. No HTTP/1.1 request starts with them: the method is reserved (RFC 9113 section 3.4). */
const H2_PREFACE = 'PRI ';
const P = 0x50;

/** Takes over a connection with all bytes read from it. `retired`: its next answer is the last. */
export type HandOver = (bytes: Buffer, retired: boolean) => void;

export class H1Downstream implements DownstreamStream, BodySink {
  readonly #socket: net.Socket;
  readonly #connection: DownstreamConnection;
  readonly #events: DownstreamEvents;
  readonly #settings: H1Settings;
  readonly #handOver: HandOver | null;
  readonly #output: Output;
  readonly #timer: Timer;
  readonly #writes: WriteWatch;
  readonly #body: RequestBody;
  /** The lag of the client with the current body. */
  readonly #lag: Lag;
  readonly #answer = new Answer();
  #state: State = 'idle';
  #exchange: Exchange | null = null;
  /** Bytes that cannot be used yet: a partial head, or bytes after a request that is not answered yet. Copied. */
  #carry: Buffer = EMPTY;
  #processing = false;
  #paused = false;
  /** The end of an answer waits to be written with the gathered bytes. */
  #endGathered = false;
  /** The peer may receive it at any rate. */
  #patient = false;
  #draining = false;
  #peerEnded = false;
  /** Created when a client first sends an end before it is answered. */
  #probe: DepartureProbe | null = null;
  #requests = 0;
  #blankSkipped = false;
  /** The client keeps the connection after the current request. */
  #keepAlive = false;
  #lingered = 0;

  /** `handOver` gets the connection if it turns out to be HTTP/2; null: it cannot be. */
  constructor(
    socket: net.Socket,
    connection: DownstreamConnection,
    events: DownstreamEvents,
    settings: H1Settings,
    handOver: HandOver | null,
  ) {
    this.#socket = socket;
    this.#connection = connection;
    this.#events = events;
    this.#settings = settings;
    this.#handOver = handOver;
    this.#output = new Output(socket, settings.limits.maxBufferedBytes, () => this.#written());
    this.#timer = new Timer(() => this.#timedOut());
    this.#writes = new WriteWatch(socket, settings.wheel, settings.limits);
    this.#body = new RequestBody(this, settings.limits);
    this.#lag = new Lag(settings.limits.minRequestBodyRate);
    settings.wheel.arm(this.#timer, settings.limits.downstreamIdleTimeout);
    socket.on('drain', () => this.#drained());
    socket.on('finish', () => this.#finished());
    socket.on('end', () => this.#ended());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  /** There is no exchange. */
  get idle(): boolean {
    return this.#state === 'idle';
  }

  /** Makes the next answer the last one: it has `Connection: close`. */
  retire(): void {
    this.#draining = true;
  }

  /** Finishes the current exchange and closes; closes at once if there is none. */
  drain(): void {
    this.#draining = true;
    if (this.#state === 'idle') this.#close();
    else if (this.#exchange !== null && isEndless(this.#exchange)) this.#events.downstreamEnding(this.#exchange);
  }

  // Reading

  /** Takes received bytes. The chunk is valid only during the call. */
  data(chunk: Buffer): void {
    if (this.#carry.length > 0) {
      const joined = Buffer.concat([this.#carry, chunk]);
      this.#carry = EMPTY;
      this.#process(joined, true);
    } else this.#process(chunk, false);
  }

  /** Processes a buffer as far as the state allows; an `owned` buffer may be kept without a copy. */
  #process(buffer: Buffer, owned: boolean): void {
    this.#processing = true;
    let position = 0;
    while (position < buffer.length && !this.#blocked()) {
      const next = this.#advance(buffer, position);
      if (next < 0) break;
      position = next;
    }
    this.#processing = false;
    if (position >= buffer.length || this.#state === 'gone') return;
    const rest = buffer.subarray(position);
    this.#carry = owned ? rest : Buffer.from(rest);
    if (this.#blocked() && !this.#mayReadAhead()) this.#socket.pause();
  }

  /** While an answer is pending the socket is read to detect its end; pipelined requests are kept, within limits. */
  #mayReadAhead(): boolean {
    return this.#state === 'answering' && !this.#paused && this.#carry.length < this.#settings.limits.maxHeadBytes;
  }

  /** No reading now: the request is paused, or a pipelined request must wait for its turn or for its peer to read answers. */
  #blocked(): boolean {
    switch (this.#state) {
      case 'answering':
      case 'gone':
        return true;
      case 'idle':
        return this.#output.full;
      default:
        return this.#paused && this.#state !== 'lingering';
    }
  }

  /** Consumes bytes and returns the new position; -1 if more bytes are needed. */
  #advance(buffer: Buffer, position: number): number {
    switch (this.#state) {
      case 'idle':
      case 'head':
        if (this.#requests === 0 && buffer[position] === P && this.#isH2(buffer, position)) return this.#leave(buffer);
        return this.#readHead(buffer, position);
      case 'body':
        return this.#readBody(buffer, position);
      case 'tunnel':
        this.#touchTunnel();
        this.#events.requestData(this.#exchange as Exchange, position === 0 ? buffer : buffer.subarray(position));
        return buffer.length;
      default:
        this.#linger(buffer.length - position);
        return buffer.length;
    }
  }

  #readHead(buffer: Buffer, position: number): number {
    if (this.#state === 'idle') {
      if (buffer[position] === CR && !this.#blankSkipped) return this.#skipBlankLine(buffer, position);
      this.#state = 'head';
      this.#settings.wheel.arm(this.#timer, this.#settings.limits.requestHeadTimeout);
    }
    const { maxHeadBytes } = this.#settings.limits;
    const end = findHeadEnd(buffer, position);
    if (end === -2) return this.#refuse(ERRORS.requestMalformed, buffer.length);
    if ((end < 0 ? buffer.length : end) - position > maxHeadBytes) return this.#refuse(this.#tooLarge(buffer, position), buffer.length);
    // Bytes that cannot become a request are refused at once, for example a TLS handshake.
    if (end < 0) return TOKEN[buffer[position] as number] === 1 ? -1 : this.#refuse(ERRORS.requestMalformed, buffer.length);
    this.#request(buffer, position, end);
    return end;
  }

  #isH2(buffer: Buffer, position: number): boolean {
    if (this.#handOver === null || position > 0 || buffer.length < H2_PREFACE.length) return false;
    return buffer.latin1Slice(0, H2_PREFACE.length) === H2_PREFACE;
  }

  #leave(buffer: Buffer): number {
    this.#state = 'gone';
    this.#settings.wheel.disarm(this.#timer);
    this.#handOver?.(buffer, this.#draining);
    return buffer.length;
  }

  /** RFC 9112 section 2.2: old clients send an empty line before a request; one is ignored. */
  #skipBlankLine(buffer: Buffer, position: number): number {
    if (position + 1 === buffer.length) return -1;
    this.#blankSkipped = true;
    return buffer[position + 1] === LF ? position + 2 : position;
  }

  /** RFC 9112 section 3: a request target that is too long has its own status. */
  #tooLarge(buffer: Buffer, position: number): ExchangeError {
    const line = buffer.indexOf(LF, position);
    const length = (line < 0 ? buffer.length : line) - position;
    return length > this.#settings.limits.maxTargetBytes + REST_OF_LINE ? ERRORS.requestTargetTooLong : ERRORS.requestHeadTooLarge;
  }

  #request(buffer: Buffer, start: number, end: number): void {
    const exchange = this.#begin();
    const error = parseRequestHead(buffer, start, end, exchange, this.#settings) ?? this.#body.refusal(exchange.requestLength);
    this.#keepAlive = requestHead.keepAlive;
    if (error !== null) {
      this.#answer.last = true;
      this.#state = 'answering';
      this.#settings.wheel.disarm(this.#timer);
      this.#events.requestRefused(exchange, error);
      return;
    }
    // A filter may give the request another body.
    const isBodiless = exchange.requestLength === 0;
    this.#startBody(exchange);
    this.#events.requestHead(exchange);
    if (isBodiless && this.#exchange === exchange && !exchange.tunnel) this.#requestEnd(exchange, null);
  }

  #begin(): Exchange {
    const exchange = new Exchange(this.#connection, this, turnTime());
    this.#exchange = exchange;
    this.#requests++;
    this.#blankSkipped = false;
    this.#answer.begin();
    this.#paused = false;
    return exchange;
  }

  #startBody(exchange: Exchange): void {
    if (exchange.requestLength === 0) {
      this.#state = 'answering';
      this.#settings.wheel.disarm(this.#timer);
      return;
    }
    this.#state = 'body';
    this.#lag.begin(this.#settings.wheel.now);
    this.#awaitBody();
    this.#body.start(exchange.requestLength);
  }

  #readBody(buffer: Buffer, position: number): number {
    const exchange = this.#exchange as Exchange;
    // gRPC calls may be silent for long, and a client with an answer is in a conversation.
    this.#lag.moved(buffer.length - position, this.#settings.wheel.now, exchange.grpc || this.#answer.headWritten);
    const end = this.#body.read(buffer, position);
    if (this.#state !== 'body') return end;
    const { error } = this.#body;
    if (error !== null) {
      this.#fail(error);
      return buffer.length;
    }
    if (this.#body.done) this.#bodyEnd(exchange, this.#body.trailers);
    return end;
  }

  #goOnWithBody(): void {
    this.#lag.resume(this.#settings.wheel.now);
    this.#awaitBody();
  }

  /** Checks again when the client would be too far behind without further bytes. */
  #awaitBody(): void {
    const { wheel, limits } = this.#settings;
    const { requestBodyIdleTimeout } = limits;
    if (requestBodyIdleTimeout > 0) wheel.arm(this.#timer, Math.max(1, requestBodyIdleTimeout - this.#lag.at(wheel.now)));
  }

  #bodyDue(): void {
    const { wheel, limits } = this.#settings;
    if (this.#lag.at(wheel.now) >= limits.requestBodyIdleTimeout) this.#fail(ERRORS.requestBodyTimeout);
    else this.#awaitBody();
  }

  bodyData(chunk: Buffer): boolean {
    this.#events.requestData(this.#exchange as Exchange, chunk);
    return this.#state === 'body' && !this.#paused;
  }

  #bodyEnd(exchange: Exchange, trailers: Headers | null): void {
    this.#state = 'answering';
    this.#settings.wheel.disarm(this.#timer);
    this.#requestEnd(exchange, trailers);
  }

  #requestEnd(exchange: Exchange, trailers: Headers | null): void {
    this.#events.requestEnd(exchange, trailers);
    if (this.#answer.done && this.#exchange === exchange) this.#next();
  }

  /** Answers a head that cannot be parsed. */
  #refuse(error: ExchangeError, consumed: number): number {
    const exchange = this.#begin();
    this.#keepAlive = false;
    this.#answer.last = true;
    this.#state = 'answering';
    this.#settings.wheel.disarm(this.#timer);
    this.#events.requestRefused(exchange, error);
    return consumed;
  }

  /** The request failed after its head was accepted. */
  #fail(error: ExchangeError): void {
    const exchange = this.#exchange as Exchange;
    this.#keepAlive = false;
    this.#answer.last = true;
    if (this.#answer.done) return this.#close();
    this.#state = 'answering';
    this.#settings.wheel.disarm(this.#timer);
    this.#events.requestFailed(exchange, error);
  }

  #linger(octets: number): void {
    this.#lingered += octets;
    if (this.#lingered > this.#settings.limits.maxLingerBytes) this.#socket.destroy();
  }

  lag(exchange: Exchange): number {
    if (exchange !== this.#exchange) return 0;
    const inbound = this.#state === 'body' && this.#lag.running ? this.#lag.at(this.#settings.wheel.now) : 0;
    return Math.max(inbound, this.#writes.lag());
  }

  pauseRequest(): void {
    this.#paused = true;
    // While a buffer is being processed, #process pauses the socket if a part of it is left.
    if (!this.#processing || this.#state === 'body' || this.#state === 'tunnel') this.#socket.pause();
    if (this.#state !== 'body') return;
    this.#lag.pause(this.#settings.wheel.now);
    this.#settings.wheel.disarm(this.#timer);
  }

  resumeRequest(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#state === 'body') this.#goOnWithBody();
    if (this.#processing) return this.#resumeSocket();
    this.#resume();
  }

  #resumeSocket(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Continues with the bytes left over, then with the socket. */
  #resume(): void {
    if (this.#carry.length > 0 && !this.#blocked()) {
      const rest = this.#carry;
      this.#carry = EMPTY;
      this.#process(rest, true);
    }
    if (!this.#blocked() || this.#mayReadAhead()) this.#resumeSocket();
    this.#inputOver();
  }

  // Writing

  writeInformational(status: number, headers: readonly string[]): void {
    // RFC 9110 section 15.2: HTTP/1.0 has no 1xx.
    if (this.#exchange?.version === 10 || this.#answer.headWritten) return;
    this.#output.gather(`${statusLine(status)}${fieldLines(headers)}\r\n`);
  }

  writeHead(exchange: Exchange): void {
    const head = this.#answer.head(exchange, this.#isLast(exchange));
    if (head !== '') this.#output.gather(head);
  }

  #isLast(exchange: Exchange): boolean {
    const { maxRequestsPerConnection } = this.#settings.limits;
    if (this.#draining || (maxRequestsPerConnection > 0 && this.#requests >= maxRequestsPerConnection)) return true;
    return !this.#keepAlive || (this.#state === 'body' && !this.#worthReading(exchange));
  }

  /**
   * Whether to read the rest of a request with a complete answer. A peer that waits for a 100 may send its body or not; the proxy cannot
   * know.
   */
  #worthReading(exchange: Exchange): boolean {
    return !exchange.expectsContinue && this.#body.nearlyDone;
  }

  writeData(exchange: Exchange, chunk: Buffer): boolean {
    if (this.#state === 'gone' || this.#answer.bodiless) return true;
    if (exchange.tunnel) this.#touchTunnel();
    const room = this.#answer.chunked
      ? this.#output.write(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
      : this.#output.write('', chunk, '');
    if (!room) this.#writes.start(exchange.tunnel || exchange.grpc);
    return room;
  }

  end(exchange: Exchange, trailers: Headers | null): void {
    if (this.#state === 'gone') return;
    if (exchange.tunnel) return this.#endTunnel(exchange.requestEnded);
    if (this.#answer.chunked) this.#output.gather(trailers === null ? '0\r\n\r\n' : `0\r\n${fieldLines(trailers)}\r\n`);
    if (this.#socket.writableLength > 0) this.#writes.start(exchange.grpc);
    this.#endGathered = true;
    this.#patient = exchange.grpc;
    this.#answer.done = true;
    // Otherwise the end of the request is still to come, and #requestEnd continues from there.
    if (exchange.requestEnded || this.#answer.last) this.#next();
    else if (this.#state === 'body') this.#discard();
  }

  /** Reads to the end of a body that is not needed. */
  #discard(): void {
    this.#paused = false;
    this.#goOnWithBody();
    if (this.#processing) this.#resumeSocket();
    else this.#resume();
  }

  abort(exchange: Exchange): void {
    this.#exchange = null;
    // Shows the peer that there was an answer: without one it may send its request again.
    this.#output.flush();
    // Only a length or chunks mark a body as incomplete; without them a reset must.
    if (this.#answer.chunked || exchange.responseLength >= 0) this.#socket.destroy();
    else cut(this.#socket);
  }

  startTunnel(): void {
    this.#state = 'tunnel';
    this.#paused = false;
    this.#output.flush();
    this.#touchTunnel();
    if (!this.#processing) this.#resume();
  }

  /** Traffic in either direction keeps a tunnel open. */
  #touchTunnel(): void {
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.tunnelIdleTimeout);
  }

  #endTunnel(bothEnded: boolean): void {
    this.#output.flush();
    this.#socket.end();
    if (bothEnded) this.#close();
  }

  /** The exchange is over: continues with the next one, or ends. */
  #next(): void {
    this.#exchange = null;
    if (this.#answer.last || this.#draining) return this.#close();
    this.#state = 'idle';
    this.#paused = false;
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.downstreamIdleTimeout);
    if (!this.#processing) this.#resume();
  }

  /** Sends the end; once everything is written, lingers until the peer has read it. */
  #close(): void {
    if (this.#state === 'gone' || this.#state === 'lingering') return;
    this.#state = 'lingering';
    this.#exchange = null;
    this.#carry = EMPTY;
    this.#settings.wheel.disarm(this.#timer);
    this.#output.flush();
    if (this.#socket.writableLength > 0) this.#writes.start(false);
    this.#socket.end();
    this.#resumeSocket();
  }

  // Events of the socket

  /** The bytes of a turn are being sent: the peer has to receive the rest of a complete answer. */
  #written(): void {
    if (this.#endGathered && this.#socket.writableLength > 0) this.#writes.start(this.#patient);
    this.#endGathered = false;
  }

  #drained(): void {
    this.#writes.stop();
    if (this.#exchange !== null && !this.#answer.done) this.#events.downstreamDrained(this.#exchange);
    else if (this.#state === 'idle') this.#resume();
  }

  /** Everything is sent. If the peer has sent its end too, the socket closes by itself. */
  #finished(): void {
    if (this.#state === 'lingering') this.#settings.wheel.arm(this.#timer, this.#settings.limits.lingerTimeout);
  }

  /** The peer sends no more; its complete requests are still answered. */
  #ended(): void {
    this.#peerEnded = true;
    this.#inputOver();
    if (this.#state === 'answering') (this.#probe ??= new DepartureProbe(this.#settings.wheel, () => this.#askPeer())).start();
  }

  /** HTTP/1.0 has no interim answers, and an answer that has started detects the departure by itself. */
  #askPeer(): void {
    if (this.#state !== 'answering' || this.#exchange?.version === 10 || this.#answer.headWritten) return;
    this.#output.gather(`${statusLine(100)}\r\n`);
    this.#output.flush();
  }

  /** Handles the end of the input once all bytes before it are used. */
  #inputOver(): void {
    if (!this.#peerEnded || this.#blocked()) return;
    const exchange = this.#exchange;
    if (this.#state === 'tunnel' && exchange !== null) {
      this.#events.requestEnd(exchange, null);
      if (exchange.responseEnded) this.#close();
    } else if (this.#state === 'head') {
      this.#tear();
      this.#close();
    } else if (this.#state === 'body' && !this.#answer.done) {
      // Answers to earlier requests may still be pending.
      this.#output.flush();
      this.#socket.destroy();
    } else this.#close();
  }

  #closed(): void {
    const exchange = this.#exchange;
    if (this.#state === 'head') this.#tear();
    this.#state = 'gone';
    this.#exchange = null;
    this.#carry = EMPTY;
    this.#settings.wheel.disarm(this.#timer);
    this.#writes.stop();
    this.#probe?.stop();
    if (exchange !== null) this.#events.downstreamFailed(exchange, ERRORS.downstreamReset);
  }

  /** The peer left in the middle of a head. */
  #tear(): void {
    const exchange = new Exchange(this.#connection, this, turnTime());
    this.#events.requestTorn(exchange, ERRORS.downstreamReset);
  }

  #timedOut(): void {
    if (this.#state === 'head') this.#refuse(ERRORS.requestHeadTimeout, 0);
    else if (this.#state === 'body') this.#bodyDue();
    else if (this.#state === 'idle') this.#close();
    else this.#socket.destroy();
  }
}
