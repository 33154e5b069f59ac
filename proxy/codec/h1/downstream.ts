// A downstream HTTP/1.1 connection: bytes > exchanges, one at a time and in order, and answers > bytes.
//
//   idle ──first byte──> head ──complete──> body ──read──> answering ──answered──> idle
//     │                    │ refused            │ answered early                      │ close wanted
//     └──> gone <──────────┴──> lingering <─────┴─────────────────────────────────────┘
//   answering ──101──> tunnel ──both ends done──> gone
//
// A lingering connection has said all it will say and reads on only so that the peer sees our answer rather than a reset.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import { Exchange } from '../../exchange/exchange.ts';
import type { DownstreamConnection } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { DownstreamEvents, DownstreamStream } from '../../exchange/stream.ts';
import { ChunkedReader } from './chunked.ts';
import type { ChunkSink } from './chunked.ts';
import { fieldLines } from './field-lines.ts';
import { findHeadEnd } from './head-end.ts';
import { Output } from './output.ts';
import { parseRequestHead, requestHead } from './request-head.ts';
import type { H1Settings } from './settings.ts';
import { isBodiless, statusLine } from './status-lines.ts';

type State = 'idle' | 'head' | 'body' | 'answering' | 'tunnel' | 'lingering' | 'gone';

const EMPTY = Buffer.alloc(0);
/** How much of a request that nobody wants any more is read before the connection is cut, and how long that may take. */
const LINGER_BYTES = 65_536;
const LINGER_MS = 2_000;
/** A request cannot be followed on the same connection. */
const CLOSE = 'connection: close\r\n';

export class H1Downstream implements DownstreamStream, ChunkSink {
  readonly #socket: net.Socket;
  readonly #connection: DownstreamConnection;
  readonly #events: DownstreamEvents;
  readonly #settings: H1Settings;
  readonly #output: Output;
  readonly #timer: Timer;
  readonly #writeTimer: Timer;
  #state: State = 'idle';
  #exchange: Exchange | null = null;
  /** Bytes that could not be used yet: a partial head, or what follows a request that is not answered. Copied. */
  #carry: Buffer = EMPTY;
  #processing = false;
  #paused = false;
  #draining = false;
  #peerEnded = false;
  #requests = 0;
  // The request being read.
  #keepAlive = false;
  #bodyLeft = 0;
  #chunkedIn: ChunkedReader | null = null;
  // The answer being written.
  #headWritten = false;
  #answerDone = false;
  #chunkedOut = false;
  #bodiless = false;
  #closeAfter = false;
  #lingered = 0;
  #bytesAtStall = 0;

  constructor(socket: net.Socket, connection: DownstreamConnection, events: DownstreamEvents, settings: H1Settings) {
    this.#socket = socket;
    this.#connection = connection;
    this.#events = events;
    this.#settings = settings;
    this.#output = new Output(socket, settings.limits.maxBufferedBytes);
    this.#timer = new Timer(() => this.#timedOut());
    this.#writeTimer = new Timer(() => this.#writeStalled());
    settings.wheel.arm(this.#timer, settings.limits.downstreamIdleTimeout);
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#ended());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  /** No exchange is in flight. */
  get idle(): boolean {
    return this.#state === 'idle';
  }

  /** Finishes what is in flight and closes; at once when there is nothing. */
  drain(): void {
    this.#draining = true;
    if (this.#state === 'idle') this.#close();
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
    if (this.#blocked()) this.#socket.pause();
  }

  /** Nothing may be read now: the request is paused, or a pipelined one must wait for its turn. */
  #blocked(): boolean {
    return (this.#paused && this.#state !== 'lingering') || this.#state === 'answering' || this.#state === 'gone';
  }

  /** Consumes something and returns the new position; -1 when more bytes are needed. */
  #advance(buffer: Buffer, position: number): number {
    switch (this.#state) {
      case 'idle':
      case 'head':
        return this.#readHead(buffer, position);
      case 'body':
        return this.#readBody(buffer, position);
      case 'tunnel':
        this.#events.requestData(this.#exchange as Exchange, position === 0 ? buffer : buffer.subarray(position));
        return buffer.length;
      default:
        return this.#linger(buffer.length - position) ? buffer.length : buffer.length;
    }
  }

  #readHead(buffer: Buffer, position: number): number {
    if (this.#state === 'idle') {
      // RFC 9112 section 2.2: an empty line before a request is a leftover of old clients; one is ignored.
      if (buffer[position] === 0x0d && buffer[position + 1] === 0x0a) return position + 2;
      this.#state = 'head';
      this.#settings.wheel.arm(this.#timer, this.#settings.limits.requestHeadTimeout);
    }
    const { maxHeadBytes } = this.#settings.limits;
    const end = findHeadEnd(buffer, position);
    if (end === -2) return this.#refuse(ERRORS.requestMalformed, buffer.length);
    if (end < 0) return buffer.length - position > maxHeadBytes ? this.#refuse(ERRORS.requestHeadTooLarge, buffer.length) : -1;
    if (end - position > maxHeadBytes) return this.#refuse(ERRORS.requestHeadTooLarge, buffer.length);
    this.#request(buffer.latin1Slice(position, end));
    return end;
  }

  #request(head: string): void {
    const exchange = this.#begin();
    const error = parseRequestHead(head, exchange, this.#settings);
    this.#keepAlive = requestHead.keepAlive;
    if (error !== null) {
      this.#closeAfter = true;
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
    const exchange = new Exchange(this.#connection, this, performance.now());
    this.#exchange = exchange;
    this.#requests++;
    this.#headWritten = false;
    this.#answerDone = false;
    this.#closeAfter = false;
    this.#paused = false;
    return exchange;
  }

  #startBody(exchange: Exchange): void {
    this.#bodyLeft = exchange.requestLength;
    if (exchange.requestLength === 0) {
      this.#state = 'answering';
      this.#settings.wheel.disarm(this.#timer);
      return;
    }
    this.#state = 'body';
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.requestBodyIdleTimeout);
    if (exchange.requestLength === UNKNOWN_LENGTH) (this.#chunkedIn ??= new ChunkedReader(this.#settings.limits)).reset();
  }

  #readBody(buffer: Buffer, position: number): number {
    const exchange = this.#exchange as Exchange;
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.requestBodyIdleTimeout);
    if (this.#bodyLeft === UNKNOWN_LENGTH) return this.#readChunked(buffer, position, exchange);
    const end = Math.min(buffer.length, position + this.#bodyLeft);
    this.#bodyLeft -= end - position;
    this.#events.requestData(exchange, buffer.subarray(position, end));
    if (this.#bodyLeft === 0 && this.#state === 'body') this.#bodyEnd(exchange, null);
    return end;
  }

  #readChunked(buffer: Buffer, position: number, exchange: Exchange): number {
    const reader = this.#chunkedIn as ChunkedReader;
    const end = reader.read(buffer, position, this);
    if (this.#state !== 'body') return end;
    if (reader.done) this.#bodyEnd(exchange, reader.trailers);
    if (reader.failed) {
      this.#fail(ERRORS.requestMalformed);
      return buffer.length;
    }
    return end;
  }

  /** A chunk of a chunked request. */
  chunkData(chunk: Buffer): boolean {
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
    if (this.#answerDone && this.#exchange === exchange) this.#next();
  }

  /** Answers a head that cannot even be parsed. */
  #refuse(error: ExchangeError, consumed: number): number {
    const exchange = this.#begin();
    this.#keepAlive = false;
    this.#closeAfter = true;
    this.#state = 'answering';
    this.#settings.wheel.disarm(this.#timer);
    this.#events.requestRefused(exchange, error);
    return consumed;
  }

  /** The request broke after its head was accepted. */
  #fail(error: ExchangeError): void {
    const exchange = this.#exchange as Exchange;
    this.#keepAlive = false;
    this.#closeAfter = true;
    this.#state = 'answering';
    this.#settings.wheel.disarm(this.#timer);
    this.#events.requestFailed(exchange, error);
  }

  #linger(octets: number): boolean {
    this.#lingered += octets;
    if (this.#lingered > LINGER_BYTES) this.#socket.destroy();
    return true;
  }

  pauseRequest(): void {
    this.#paused = true;
    // While a buffer is being worked through, #process pauses the socket if anything is left of it.
    if (!this.#processing || this.#state === 'body' || this.#state === 'tunnel') this.#socket.pause();
    if (this.#state === 'body') this.#settings.wheel.disarm(this.#timer);
  }

  resumeRequest(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#processing) return this.#resumeSocket();
    this.#resume();
  }

  #resumeSocket(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Goes on with what was left over, then with the socket. */
  #resume(): void {
    if (this.#carry.length > 0) {
      const rest = this.#carry;
      this.#carry = EMPTY;
      this.#process(rest, true);
    }
    if (!this.#blocked() && this.#state !== 'gone') this.#resumeSocket();
    if (this.#peerEnded && this.#carry.length === 0) this.#inputOver();
  }

  // Writing

  writeInformational(status: number, headers: readonly string[]): void {
    // RFC 9110 section 15.2: a 1.0 client knows no 1xx.
    if (this.#exchange?.version === 10 || this.#headWritten) return;
    this.#output.gather(`${statusLine(status)}${fieldLines(headers)}\r\n`);
  }

  writeHead(exchange: Exchange): void {
    this.#headWritten = true;
    this.#bodiless = isBodiless(exchange.status) || exchange.method === 'HEAD';
    let head = statusLine(exchange.status) + fieldLines(exchange.responseHeaders);
    if (exchange.status === 101) head += `connection: Upgrade\r\nupgrade: ${exchange.upgrade}\r\n`;
    else head += this.#framing(exchange) + this.#persistence(exchange);
    this.#output.gather(`${head}\r\n`);
  }

  #framing(exchange: Exchange): string {
    const length = exchange.responseLength;
    this.#chunkedOut = false;
    if (exchange.status === 204 || exchange.status < 200) return '';
    // RFC 9110 section 8.6: HEAD and 304 may tell the length of what they leave out, but only if it is known.
    if (length >= 0) return this.#bodiless && length === 0 ? '' : `content-length: ${length}\r\n`;
    if (this.#bodiless) return '';
    if (exchange.version === 10) {
      this.#closeAfter = true;
      return '';
    }
    this.#chunkedOut = true;
    return 'transfer-encoding: chunked\r\n';
  }

  #persistence(exchange: Exchange): string {
    const { maxRequestsPerConnection } = this.#settings.limits;
    if (this.#draining || (maxRequestsPerConnection > 0 && this.#requests >= maxRequestsPerConnection)) this.#closeAfter = true;
    if (!this.#keepAlive || this.#peerEnded) this.#closeAfter = true;
    if (this.#closeAfter) return CLOSE;
    return exchange.version === 10 ? 'connection: keep-alive\r\n' : '';
  }

  writeData(exchange: Exchange, chunk: Buffer): boolean {
    if (this.#state === 'gone') return true;
    if (this.#bodiless && exchange.status !== 101) return true;
    const room = this.#chunkedOut
      ? this.#output.write(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
      : this.#output.write('', chunk, '');
    if (!room && !this.#writeTimer.armed) this.#watchWrites();
    return room;
  }

  end(exchange: Exchange, trailers: Headers | null): void {
    if (this.#state === 'gone') return;
    if (exchange.tunnel) return this.#endTunnel();
    if (this.#chunkedOut) this.#output.gather(trailers === null ? '0\r\n\r\n' : `0\r\n${fieldLines(trailers)}\r\n`);
    this.#output.flush();
    if (this.#socket.writableLength > 0 && !this.#writeTimer.armed) this.#watchWrites();
    this.#answerDone = true;
    // The end of a request without a body is still to be reported: #requestEnd goes on from here.
    if (exchange.requestEnded || this.#state === 'body' || this.#closeAfter) this.#next();
  }

  abort(exchange: Exchange): void {
    this.#exchange = null;
    // Only a length or chunks tell a torn body from a whole one; where there is neither, a reset must.
    if (this.#chunkedOut || exchange.responseLength >= 0) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  startTunnel(): void {
    this.#state = 'tunnel';
    this.#output.flush();
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.tunnelIdleTimeout);
    if (!this.#processing) this.#resume();
  }

  #endTunnel(): void {
    this.#output.flush();
    this.#socket.end();
    if (this.#peerEnded) this.#close();
  }

  /** The exchange is over: the next one, or the end. */
  #next(): void {
    this.#exchange = null;
    if (this.#closeAfter || this.#state === 'body' || this.#peerEnded) return this.#close();
    this.#state = 'idle';
    this.#paused = false;
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.downstreamIdleTimeout);
    if (this.#draining) return this.#close();
    if (!this.#processing) this.#resume();
  }

  /** Says goodbye and lingers until the peer has heard it. */
  #close(): void {
    if (this.#state === 'gone' || this.#state === 'lingering') return;
    this.#state = 'lingering';
    this.#exchange = null;
    this.#carry = EMPTY;
    this.#output.flush();
    this.#socket.end();
    if (this.#peerEnded) return;
    this.#settings.wheel.arm(this.#timer, LINGER_MS);
    this.#resumeSocket();
  }

  // What happens to the socket

  #drained(): void {
    this.#settings.wheel.disarm(this.#writeTimer);
    if (this.#exchange !== null && !this.#answerDone) this.#events.downstreamDrained(this.#exchange);
  }

  /** The peer sends no more; what it sent is still answered. */
  #ended(): void {
    this.#peerEnded = true;
    if (this.#carry.length === 0) this.#inputOver();
  }

  #inputOver(): void {
    const exchange = this.#exchange;
    if (this.#state === 'tunnel' && exchange !== null) {
      this.#events.requestEnd(exchange, null);
      if (exchange.responseEnded) this.#close();
    } else if (this.#state === 'body') this.#socket.destroy();
    else if (this.#state === 'lingering') this.#socket.destroy();
    else if (this.#state === 'idle' || this.#state === 'head') this.#close();
  }

  #closed(): void {
    const exchange = this.#exchange;
    this.#state = 'gone';
    this.#exchange = null;
    this.#carry = EMPTY;
    this.#settings.wheel.disarm(this.#timer);
    this.#settings.wheel.disarm(this.#writeTimer);
    if (exchange !== null) this.#events.downstreamFailed(exchange, ERRORS.downstreamReset);
  }

  #timedOut(): void {
    if (this.#state === 'head') this.#refuse(ERRORS.requestHeadTimeout, 0);
    else if (this.#state === 'body') this.#fail(ERRORS.requestBodyTimeout);
    else if (this.#state === 'idle') this.#close();
    else this.#socket.destroy();
  }

  #watchWrites(): void {
    this.#bytesAtStall = this.#socket.bytesWritten - this.#socket.writableLength;
    this.#settings.wheel.arm(this.#writeTimer, this.#settings.limits.downstreamWriteTimeout);
  }

  /** Cuts a peer that took nothing for the whole time; one that took a little gets as much time again. */
  #writeStalled(): void {
    if (this.#socket.bytesWritten - this.#socket.writableLength === this.#bytesAtStall) this.#socket.resetAndDestroy();
    else this.#watchWrites();
  }
}
