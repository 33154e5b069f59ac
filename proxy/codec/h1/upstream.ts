// An upstream HTTP/1.1 connection: it sends one request at a time and receives its answer. The connection is kept if both sides agree on
// the end of the answer.
//
//   connecting ──> idle ──send──> busy ──answer complete──> idle
//        │          │              │ 101 ──> tunnel ──both ends done──> gone
//        └──────────┴──> gone <────┘ fault, close wanted, leftover bytes
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import type { Destination, Dialler } from '../../exchange/dial.ts';
import type { ConnectionTerms } from '../../exchange/connection-terms.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { UpstreamEvents, UpstreamStream } from '../../exchange/stream.ts';
import { ACCEPT, acceptFor, KEY, newKey } from '../websocket/accept.ts';
import { ChunkedReader } from './chunked.ts';
import type { ChunkSink } from './chunked.ts';
import { cut } from './cut.ts';
import { fieldLines, withFieldLines } from './field-lines.ts';
import { findHeadEnd } from './head-end.ts';
import { Output } from './output.ts';
import { parseResponseHead, responseHead } from './response-head.ts';
import type { BodyKind } from './response-head.ts';
import type { UpstreamSettings } from './settings.ts';

type State = 'connecting' | 'idle' | 'busy' | 'tunnel' | 'gone';

const EMPTY = Buffer.alloc(0);
/** The time after which an exchange that passes on a body counts as long. */
const LONG_MS = 5_000;

/** Gets the events of a connection: the pool. */
export interface H1UpstreamOwner {
  connected(connection: H1Upstream): void;
  idle(connection: H1Upstream): void;
  closed(connection: H1Upstream, error: ExchangeError | null): void;
  /** It waits for an answer, and nothing comes. */
  silent(connection: H1Upstream): void;
}

export class H1Upstream implements UpstreamStream, ChunkSink, Dialler {
  readonly openedAt = performance.now();
  idleSince = 0;
  /** Set by the pool. */
  terms: ConnectionTerms;
  heardAt = 0;
  aside = false;
  readonly #socket: net.Socket;
  readonly #owner: H1UpstreamOwner;
  readonly #events: UpstreamEvents;
  readonly #settings: UpstreamSettings;
  readonly #output: Output;
  readonly #timer: Timer;
  #state: State = 'connecting';
  /** The error if the connection is not established. */
  #failing = ERRORS.upstreamConnectFailed;
  #attempt: Attempt | null = null;
  #requests = 0;
  readonly #dialledAt = performance.now();
  /** The time to connect. */
  #connectMs = 0;
  /** Bytes that cannot be used yet: a partial head, or bytes that arrived while the answer is paused. Copied. */
  #carry: Buffer = EMPTY;
  #processing = false;
  #paused = false;
  // The current request.
  #requestDone = false;
  #chunkedOut = false;
  // The current answer.
  #headRead = false;
  /** The time without a byte of the answer that has passed, and the time until the endpoint is in doubt. */
  #silence = 0;
  #doubtIn = 0;
  #body: BodyKind = 'none';
  #bodyLeft = 0;
  #chunkedIn: ChunkedReader | null = null;
  #keep = false;
  /** The proxy's own WebSocket key if the client had none; else ''. */
  #key = '';
  #informational = 0;

  constructor(
    destination: Destination,
    owner: H1UpstreamOwner,
    terms: ConnectionTerms,
    { events, settings }: { readonly events: UpstreamEvents; readonly settings: UpstreamSettings },
  ) {
    this.#owner = owner;
    this.terms = terms;
    this.#events = events;
    this.#settings = settings;
    this.#socket = settings.dial(destination, this);
    this.#output = new Output(this.#socket, settings.limits.maxBufferedBytes);
    this.#timer = new Timer(() => this.#timedOut());
    settings.wheel.arm(this.#timer, terms.connectTimeout);
    this.#socket.on('drain', () => this.#drained());
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#closed(this.#failing));
  }

  failing(error: ExchangeError): void {
    this.#failing = error;
  }

  /** The socket is connected. */
  connected(): void {
    this.#settings.wheel.disarm(this.#timer);
    this.#state = 'idle';
    this.heardAt = this.#settings.wheel.now;
    this.#connectMs = performance.now() - this.#dialledAt;
    this.#owner.connected(this);
  }

  get carried(): number {
    return this.#requests;
  }

  // Writing

  send(attempt: Attempt): void {
    this.#state = 'busy';
    this.#attempt = attempt;
    attempt.reused = this.#requests++ > 0;
    if (!attempt.reused) attempt.connectMs = this.#connectMs;
    this.#headRead = false;
    this.#doubtIn = this.#settings.limits.doubtTimeout;
    this.#paused = false;
    this.#informational = 0;
    const { exchange } = attempt;
    this.#requestDone = exchange.requestLength === 0;
    this.#chunkedOut = exchange.requestLength === UNKNOWN_LENGTH;
    this.#key = exchange.upgrade === 'websocket' && exchange.version === 20 ? newKey() : '';
    this.#output.gather(requestLines(attempt, this.#key));
    this.#watch();
  }

  writeData(chunk: Buffer): boolean {
    if (this.#state === 'gone') return true;
    const room = this.#chunkedOut
      ? this.#output.write(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
      : this.#output.write('', chunk, '');
    if (!room || this.#timer.armed) this.#watch();
    return room;
  }

  end(trailers: Headers | null): void {
    const attempt = this.#attempt;
    if (this.#state === 'gone' || attempt === null) return;
    if (attempt.exchange.tunnel) {
      this.#output.flush();
      this.#socket.end();
      if (attempt.exchange.responseEnded) this.#settings.wheel.arm(this.#timer, this.#settings.limits.upstreamIdleTimeout);
      return;
    }
    if (this.#chunkedOut) this.#output.gather(trailers === null ? '0\r\n\r\n' : `0\r\n${fieldLines(trailers)}\r\n`);
    this.#output.flush();
    this.#requestDone = true;
    this.#watch();
  }

  /** Silence counts against the backend once it has everything to continue, or while it does not read. */
  #watch(): void {
    const { wheel } = this.#settings;
    if (this.#state === 'tunnel' || this.#paused) wheel.disarm(this.#timer);
    else if (this.#requestDone || this.#output.full || this.#attempt?.exchange.expectsContinue === true) this.#wait(0);
    else wheel.disarm(this.#timer);
  }

  /** Arms the timer after some silence: for the next doubt, or for the end. */
  #wait(silence: number): void {
    const { upstreamIdleTimeout } = this.#settings.limits;
    const left = upstreamIdleTimeout - silence;
    this.#silence = this.#doubtIn > 0 && this.#doubtIn < left ? silence + this.#doubtIn : upstreamIdleTimeout;
    this.#settings.wheel.arm(this.#timer, this.#silence - silence);
  }

  /** Fails the attempt if there is no byte of its answer and it may move. */
  letMove(mayMove: (attempt: Attempt) => boolean): void {
    const attempt = this.#attempt;
    if (this.#state !== 'busy' || attempt === null || this.#headRead || !mayMove(attempt)) return;
    // The connection is not to blame: another attempt on it would fare no better.
    attempt.reused = false;
    this.#fault(ERRORS.upstreamVanished, EMPTY);
  }

  abort(): void {
    this.#attempt = null;
    // The backend can stop working after a reset; it might take an end for that of the request.
    cut(this.#socket);
    this.#leave(null);
  }

  close(): void {
    this.#leave(null);
  }

  /** Closes the connection and informs its owner at once: no attempt may get the connection before the event of the socket. */
  #leave(error: ExchangeError | null): void {
    this.#socket.destroy();
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#carry = EMPTY;
    this.#settings.wheel.disarm(this.#timer);
    this.#owner.closed(this, error);
  }

  lag(): number {
    const attempt = this.#attempt;
    return attempt === null || this.#state === 'tunnel' ? 0 : attempt.exchange.downstream.lag(attempt.exchange);
  }

  get long(): boolean {
    const attempt = this.#attempt;
    if (attempt === null || this.#state === 'tunnel') return attempt !== null;
    const passing = this.#headRead || !(this.#requestDone || this.#output.full);
    return passing && this.#settings.wheel.now - attempt.exchange.startedAt >= LONG_MS;
  }

  displace(): void {
    if (this.#attempt !== null) this.#events.clientTooSlow(this.#attempt);
  }

  pauseResponse(): void {
    this.#paused = true;
    this.#socket.pause();
    this.#settings.wheel.disarm(this.#timer);
  }

  resumeResponse(): void {
    if (!this.#paused || this.#state === 'gone') return;
    this.#paused = false;
    if (this.#attempt !== null) this.#watch();
    if (this.#processing) {
      this.#socket.resume();
      return;
    }
    const rest = this.#carry;
    this.#carry = EMPTY;
    if (rest.length > 0) this.#process(rest, true);
    if (!this.#paused && !this.#socket.destroyed) this.#socket.resume();
  }

  // Reading

  /** Takes received bytes. */
  data(chunk: Buffer): void {
    this.heardAt = this.#settings.wheel.now;
    this.#doubtIn = 0;
    if (this.#carry.length > 0) {
      const joined = Buffer.concat([this.#carry, chunk]);
      this.#carry = EMPTY;
      this.#process(joined, true);
    } else this.#process(chunk, false);
  }

  #process(buffer: Buffer, owned: boolean): void {
    this.#processing = true;
    let position = 0;
    while (position < buffer.length && !this.#paused && this.#state !== 'gone') {
      const next = this.#advance(buffer, position);
      if (next < 0) break;
      position = next;
    }
    this.#processing = false;
    if (position >= buffer.length || this.#state === 'gone') return;
    const rest = buffer.subarray(position);
    this.#carry = owned ? rest : Buffer.from(rest);
  }

  #advance(buffer: Buffer, position: number): number {
    const attempt = this.#attempt;
    if (attempt === null) {
      // Unexpected bytes must not be taken for the next answer.
      this.#leave(null);
      return buffer.length;
    }
    // The bytes of a head count once it is complete: a backend could send one for days.
    if (this.#headRead) this.#watch();
    if (this.#state === 'tunnel') {
      this.#events.responseData(attempt, position === 0 ? buffer : buffer.subarray(position));
      return buffer.length;
    }
    return this.#headRead ? this.#readBody(buffer, position, attempt) : this.#readHead(buffer, position, attempt);
  }

  #readHead(buffer: Buffer, position: number, attempt: Attempt): number {
    attempt.reused = false;
    const { maxResponseHeadBytes, maxHeaders } = this.#settings.limits;
    const end = findHeadEnd(buffer, position);
    if (end === -2) return this.#fault(ERRORS.upstreamMalformed, buffer);
    if (end < 0 && buffer.length - position <= maxResponseHeadBytes) return -1;
    if (end < 0 || end - position > maxResponseHeadBytes) return this.#fault(ERRORS.upstreamHeadTooLarge, buffer);
    const error = parseResponseHead(buffer, position, end, attempt.exchange, maxHeaders);
    if (error !== null) return this.#fault(error, buffer);
    if (responseHead.status === 101) return this.#switchProtocols(attempt, buffer, end);
    if (responseHead.status < 200) return this.#takeInformational(attempt, buffer, end);
    this.#takeHead(attempt, end < buffer.length);
    return end;
  }

  /** Interim answers are forwarded up to a limit: each costs memory downstream, and none is the answer. */
  #takeInformational(attempt: Attempt, buffer: Buffer, end: number): number {
    if (++this.#informational > this.#settings.limits.maxInformational) return this.#fault(ERRORS.upstreamMalformed, buffer);
    this.#watch();
    this.#events.responseInformational(attempt, responseHead.status, responseHead.headers);
    return end;
  }

  #takeHead(attempt: Attempt, more: boolean): void {
    this.#headRead = true;
    this.#watch();
    this.#body = responseHead.body;
    this.#bodyLeft = responseHead.length;
    const whole = this.#body === 'none';
    // Bytes after an answer without a body are an invalid body or an unexpected answer.
    this.#keep = responseHead.keepAlive && this.#body !== 'close' && !(whole && more);
    attempt.status = responseHead.status;
    attempt.headers = responseHead.headers;
    attempt.length = responseHead.length;
    attempt.version = responseHead.version;
    if (this.#body === 'chunked') (this.#chunkedIn ??= new ChunkedReader(this.#settings.limits)).reset();
    this.#events.responseHead(attempt);
    if (whole && this.#attempt === attempt) this.#complete(attempt, null);
  }

  /** RFC 9110 section 15.2.2: only to a requested protocol. */
  #switchProtocols(attempt: Attempt, buffer: Buffer, end: number): number {
    if (attempt.exchange.upgrade === '' || responseHead.upgrade !== attempt.exchange.upgrade || !this.#answersKey())
      return this.#fault(ERRORS.upstreamMalformed, buffer);
    this.#state = 'tunnel';
    // The downstream connection watches a tunnel: the bytes of both directions pass there.
    this.#settings.wheel.disarm(this.#timer);
    attempt.status = 101;
    attempt.headers = responseHead.headers;
    attempt.length = UNKNOWN_LENGTH;
    this.#chunkedOut = false;
    this.#events.responseHead(attempt);
    return end;
  }

  /** Clients check the answer to their own key themselves. */
  #answersKey(): boolean {
    return this.#key === '' || getHeader(responseHead.headers, ACCEPT) === acceptFor(this.#key);
  }

  #readBody(buffer: Buffer, position: number, attempt: Attempt): number {
    switch (this.#body) {
      case 'length':
        return this.#readLength(buffer, position, attempt);
      case 'chunked':
        return this.#readChunked(buffer, position, attempt);
      default:
        this.#events.responseData(attempt, position === 0 ? buffer : buffer.subarray(position));
        return buffer.length;
    }
  }

  #readLength(buffer: Buffer, position: number, attempt: Attempt): number {
    const end = Math.min(buffer.length, position + this.#bodyLeft);
    this.#bodyLeft -= end - position;
    // Bytes after the answer are unexpected; they are detected before the connection is kept.
    if (this.#bodyLeft === 0 && end < buffer.length) this.#keep = false;
    this.#events.responseData(attempt, buffer.subarray(position, end));
    if (this.#bodyLeft === 0 && this.#attempt === attempt) this.#complete(attempt, null);
    return this.#state === 'gone' ? buffer.length : end;
  }

  #readChunked(buffer: Buffer, position: number, attempt: Attempt): number {
    const reader = this.#chunkedIn as ChunkedReader;
    const end = reader.read(buffer, position, this);
    if (this.#attempt !== attempt) return buffer.length;
    if (reader.failed) return this.#fault(ERRORS.upstreamMalformed, buffer);
    if (reader.done) {
      if (end < buffer.length) this.#keep = false;
      this.#complete(attempt, reader.trailers);
    }
    return end;
  }

  /** A chunk of a chunked answer. */
  chunkData(chunk: Buffer): boolean {
    const attempt = this.#attempt;
    if (attempt === null) return false;
    this.#events.responseData(attempt, chunk);
    return !this.#paused && this.#attempt !== null;
  }

  /** The answer is complete. The connection returns to the pool first, so that the consequences of the end can use it. */
  #complete(attempt: Attempt, trailers: Headers | null): void {
    this.#attempt = null;
    this.#settings.wheel.disarm(this.#timer);
    if (this.#keep && this.#requestDone && !this.#socket.destroyed) {
      this.#state = 'idle';
      if (this.#paused) this.#socket.resume();
      this.#paused = false;
      this.#owner.idle(this);
    } else this.#leave(null);
    this.#events.responseEnd(attempt, trailers);
  }

  // Events of the socket

  #fault(error: ExchangeError, buffer: Buffer): number {
    const attempt = this.#attempt;
    this.#attempt = null;
    this.#leave(null);
    if (attempt !== null) this.#events.upstreamFailed(attempt, error);
    return buffer.length;
  }

  #drained(): void {
    if (this.#attempt === null) return;
    this.#watch();
    this.#events.upstreamDrained(this.#attempt);
  }

  /** The peer sends no more: the end of a body that ends with the connection, or of a tunnel; otherwise a fault. */
  #ended(): void {
    const attempt = this.#attempt;
    if (attempt !== null && this.#state === 'tunnel') {
      this.#events.responseEnd(attempt, null);
      // Closes by itself once all bytes are written, or at this timeout.
      if (attempt.exchange.requestEnded) this.#settings.wheel.arm(this.#timer, this.#settings.limits.upstreamIdleTimeout);
      return;
    }
    if (attempt !== null && this.#headRead && this.#body === 'close') this.#complete(attempt, null);
    else this.#closed(this.#failing);
  }

  #closed(connectError: ExchangeError): void {
    const attempt = this.#attempt;
    const answering = this.#headRead || this.#state === 'tunnel';
    this.#attempt = null;
    this.#leave(this.#state === 'connecting' ? connectError : null);
    // A tunnel that both sides have ended is not a failure: the attempt is over.
    if (attempt !== null) this.#events.upstreamFailed(attempt, answering ? ERRORS.upstreamBodyTruncated : ERRORS.upstreamReset);
  }

  #timedOut(): void {
    if (this.#state === 'connecting') this.#closed(ERRORS.upstreamConnectTimeout);
    else if (this.#state === 'tunnel' || this.#silence >= this.#settings.limits.upstreamIdleTimeout)
      this.#fault(ERRORS.upstreamTimeout, EMPTY);
    else {
      this.#doubtIn *= 2;
      this.#wait(this.#silence);
      this.#owner.silent(this);
    }
  }
}

function requestLines({ exchange, ownHeaders }: Attempt, key: string): string {
  const target = exchange.hasQuery ? exchange.path + '?' + exchange.query : exchange.path;
  const first = exchange.method + ' ' + target + ' HTTP/1.1\r\nhost: ' + exchange.authority + '\r\n';
  let head = withFieldLines(first, exchange.requestHeaders);
  if (ownHeaders !== null) head = withFieldLines(head, ownHeaders);
  if (key !== '') head += `${KEY}: ${key}\r\n`;
  if (exchange.expectsContinue) head += 'expect: 100-continue\r\n';
  if (exchange.upgrade !== '') return `${head}connection: Upgrade\r\nupgrade: ${exchange.upgrade}\r\n${requestFraming(exchange)}\r\n`;
  return head + requestFraming(exchange) + '\r\n';
}

/** RFC 9110 section 8.6: a length of 0 is sent if the method expects a body, so that the backend does not wait for one. */
function requestFraming(exchange: Exchange): string {
  const { method, requestLength } = exchange;
  if (requestLength === UNKNOWN_LENGTH) return 'transfer-encoding: chunked\r\n';
  if (requestLength > 0 || method === 'POST' || method === 'PUT' || method === 'PATCH') return `content-length: ${requestLength}\r\n`;
  return '';
}
