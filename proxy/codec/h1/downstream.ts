// A downstream HTTP/1.1 connection: bytes > exchanges, one at a time and in order, and answers > bytes.
//
//   idle ──first byte──> head ──complete──> body ──read──> answering ──answered──> idle
//     │                    │ refused            │ answered early, much is left        │ close wanted
//     └──> gone <──────────┴──> lingering <─────┴─────────────────────────────────────┘
//   answering ──101──> tunnel ──both ends done──> gone
//
// A lingering connection has said all it will say and reads on only so that the peer sees our answer rather than a reset.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import { Exchange } from '../../exchange/exchange.ts';
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
/** A request line without its target: method, version and spaces. */
const REST_OF_LINE = 48;
const LF = 0x0a;
const CR = 0x0d;
/** What an HTTP/2 connection begins with: no request of HTTP/1.1 does, since the method is reserved (RFC 9113 section 3.4). */
const H2_PREFACE = 'PRI ';
const P = 0x50;

/** Takes a connection over, with all that was read of it. `retired`: its next answer is to be the last. */
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
  /** Of the client with the body that is being read. */
  readonly #lag: Lag;
  readonly #answer = new Answer();
  #state: State = 'idle';
  #exchange: Exchange | null = null;
  /** Bytes that could not be used yet: a partial head, or what follows a request that is not answered. Copied. */
  #carry: Buffer = EMPTY;
  #processing = false;
  #paused = false;
  /** The end of an answer waits to be written with what was gathered. */
  #endGathered = false;
  /** Its peer may take as little of it as it likes. */
  #patient = false;
  #draining = false;
  #peerEnded = false;
  /** Made when a client first ends before it is answered. */
  #probe: DepartureProbe | null = null;
  #requests = 0;
  #blankSkipped = false;
  /** The client wants the connection kept after the request being read. */
  #keepAlive = false;
  #lingered = 0;

  /** `handOver` gets the connection if it turns out to be one of HTTP/2; null: it cannot be. */
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

  /** No exchange is in flight. */
  get idle(): boolean {
    return this.#state === 'idle';
  }

  /** Lets the next answer be the last: it carries `Connection: close`. */
  retire(): void {
    this.#draining = true;
  }

  /** Finishes what is in flight and closes; at once when there is nothing. */
  drain(): void {
    this.#draining = true;
    if (this.#state === 'idle') this.#close();
    else if (this.#state === 'tunnel' && this.#exchange !== null) this.#events.downstreamEnding(this.#exchange);
  }

  // Reading

  /** Takes bytes as they come. The chunk is valid during the call only. */
  data(chunk: Buffer): void {
    if (this.#carry.length > 0) {
      const joined = Buffer.concat([this.#carry, chunk]);
      this.#carry = EMPTY;
      this.#process(joined, true);
    } else this.#process(chunk, false);
  }

  /** Works through a buffer as far as the state allows; `owned` buffers may be kept without a copy. */
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

  /** While an answer is awaited the socket is read for the sake of its end; what is pipelined meanwhile is kept, within bounds. */
  #mayReadAhead(): boolean {
    return this.#state === 'answering' && !this.#paused && this.#carry.length < this.#settings.limits.maxHeadBytes;
  }

  /** Nothing may be read now: the request is paused, or a pipelined one must wait for its turn, or for its peer to read answers. */
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

  /** Consumes something and returns the new position; -1 when more bytes are needed. */
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
    // What cannot become a request is not waited for: a TLS handshake, say.
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

  /** RFC 9112 section 2.2: an empty line before a request is a leftover of old clients; one is ignored. */
  #skipBlankLine(buffer: Buffer, position: number): number {
    if (position + 1 === buffer.length) return -1;
    this.#blankSkipped = true;
    return buffer[position + 1] === LF ? position + 2 : position;
  }

  /** RFC 9112 section 3: who sends too long a target is told so. */
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
    this.#startBody(exchange);
    this.#events.requestHead(exchange);
    if (exchange.requestLength === 0 && this.#exchange === exchange) this.#requestEnd(exchange, null);
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
    // Calls may be silent for long, and a client that has been answered already is in a conversation.
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

  /** Looks when the client will be too far behind, unless it sends more. */
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

  /** Answers a head that cannot even be parsed. */
  #refuse(error: ExchangeError, consumed: number): number {
    const exchange = this.#begin();
    this.#keepAlive = false;
    this.#answer.last = true;
    this.#state = 'answering';
    this.#settings.wheel.disarm(this.#timer);
    this.#events.requestRefused(exchange, error);
    return consumed;
  }

  /** The request broke after its head was accepted. */
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
    // While a buffer is being worked through, #process pauses the socket if anything is left of it.
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

  /** Goes on with what was left over, then with the socket. */
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
    // RFC 9110 section 15.2: a 1.0 client knows no 1xx.
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

  /** Whether the rest of a request that is answered already is read. A peer that waits for a 100 may send its body or not: there is no telling. */
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
    // Otherwise the end of the request is still to be reported: #requestEnd goes on from there.
    if (exchange.requestEnded || this.#answer.last) this.#next();
    else if (this.#state === 'body') this.#discard();
  }

  /** Reads on to the end of a body that is not wanted. */
  #discard(): void {
    this.#paused = false;
    this.#goOnWithBody();
    if (this.#processing) this.#resumeSocket();
    else this.#resume();
  }

  abort(exchange: Exchange): void {
    this.#exchange = null;
    // Let the peer see that there was an answer: one that sees nothing may send its request again.
    this.#output.flush();
    // Only a length or chunks tell a torn body from a whole one; where there is neither, a reset must.
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

  /** The exchange is over: the next one, or the end. */
  #next(): void {
    this.#exchange = null;
    if (this.#answer.last || this.#draining) return this.#close();
    this.#state = 'idle';
    this.#paused = false;
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.downstreamIdleTimeout);
    if (!this.#processing) this.#resume();
  }

  /** Says goodbye; once everything is written, lingers until the peer has heard it. */
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

  // What happens to the socket

  /** What was gathered in a turn is on its way: the peer has to take the rest of an answer that is complete. */
  #written(): void {
    if (this.#endGathered && this.#socket.writableLength > 0) this.#writes.start(this.#patient);
    this.#endGathered = false;
  }

  #drained(): void {
    this.#writes.stop();
    if (this.#exchange !== null && !this.#answer.done) this.#events.downstreamDrained(this.#exchange);
    else if (this.#state === 'idle') this.#resume();
  }

  /** All that was said is on its way. A peer that has ended too is gone by itself. */
  #finished(): void {
    if (this.#state === 'lingering') this.#settings.wheel.arm(this.#timer, this.#settings.limits.lingerTimeout);
  }

  /** The peer sends no more; what it sent is still answered. */
  #ended(): void {
    this.#peerEnded = true;
    this.#inputOver();
    if (this.#state === 'answering') (this.#probe ??= new DepartureProbe(this.#settings.wheel, () => this.#askPeer())).start();
  }

  /** A client of HTTP/1.0 knows no interim answer, and what has begun to be answered finds out by itself. */
  #askPeer(): void {
    if (this.#state !== 'answering' || this.#exchange?.version === 10 || this.#answer.headWritten) return;
    this.#output.gather(`${statusLine(100)}\r\n`);
    this.#output.flush();
  }

  /** Acts on the end of the input once all that came before it has been used. */
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
      // Answers to requests before this one may still be here.
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

  /** The peer has left with half a head. */
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
