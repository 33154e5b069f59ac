// One stream of a downstream connection: a request coming in, held back while nobody can take its body, and an answer going
// out, held back while the peer gives no window for it.
//
//   request:  open ──END_STREAM──> ended            answer:  open ──end of it, all sent──> ended
//   Both ended, or reset by either side: closed, and forgotten by the connection.
import { ERRORS } from '../../exchange/errors.ts';
import { Exchange } from '../../exchange/exchange.ts';
import type { DownstreamConnection } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { DownstreamEvents, DownstreamStream } from '../../exchange/stream.ts';
import { isBodiless } from '../h1/status-lines.ts';
import { ByteQueue } from './byte-queue.ts';
import { CODE, FLAG, FRAME, MAX_FRAME_SIZE } from './frames.ts';
import type { HeadWriter } from './head-writer.ts';
import type { H2Output } from './output.ts';
import { ReceiveWindow } from './receive-window.ts';

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly events: DownstreamEvents;
  readonly output: H2Output;
  readonly heads: HeadWriter;
  readonly maxRequestBodyBytes: number;
  /** Window of a stream's request body. */
  readonly streamWindow: number;
  /** Window of the connection for bodies of answers. */
  sendWindow: number;
  /** How streams tell time; see Progress. */
  readonly tick: number;
  /** Bytes of a request body were passed on or dropped: the peer may send as many more. */
  credit(octets: number): void;
  /** A frame of an answer was sent. */
  answered(): void;
  /** The stream waits for a window or for the socket. */
  blocked(stream: H2Stream): void;
  /** The answer is over: the stream is reset where it has a code to be reset with, or its request is not complete. */
  closed(stream: H2Stream): void;
  /** The peer did what it must not: the stream is reset, and so is its exchange. */
  reset(stream: H2Stream, code: number): void;
}

export class H2Stream implements DownstreamStream {
  readonly id: number;
  readonly exchange: Exchange;
  readonly #owner: StreamOwner;
  // The request.
  /** The peer may still send. */
  requestOpen = true;
  readonly window: ReceiveWindow;
  /** `owner.tick` when the peer last sent of its body, or had no reason to. */
  receivedAt: number;
  #bodyLeft = UNKNOWN_LENGTH;
  #bodyBytes = 0;
  #held: ByteQueue | null = null;
  #endHeld = false;
  #trailersHeld: Headers | null = null;
  #paused = false;
  #delivering = false;
  // The answer.
  sendWindow: number;
  /** `owner.tick` when the peer last took of the answer, or had nothing to take. */
  sentAt: number;
  /** With what code the stream is reset once the answer is sent. */
  resetCode: number = CODE.noError;
  closed = false;
  #waiting: ByteQueue | null = null;
  #endWaiting = false;
  #trailersWaiting: Headers | null = null;
  /** Everything was handed over: the request path knows this exchange no more. */
  #answerDone = false;
  #headSent = false;
  #bodiless = false;
  /** Where the flags of the last frame of the answer are in the output, as long as that has not moved on. */
  #flagsAt = -1;
  #flagsGeneration = -1;

  constructor(id: number, owner: StreamOwner, connection: DownstreamConnection, sendWindow: number) {
    this.id = id;
    this.#owner = owner;
    this.sendWindow = sendWindow;
    this.window = new ReceiveWindow(owner.streamWindow);
    this.receivedAt = owner.tick;
    this.sentAt = owner.tick;
    this.exchange = new Exchange(connection, this, performance.now());
  }

  /** Bytes of the answer wait for a window. */
  get waiting(): boolean {
    return this.#waiting !== null && this.#waiting.length > 0;
  }

  /** The request path has said all there is to say. */
  get answerDone(): boolean {
    return this.#answerDone;
  }

  // The request

  /** The head was taken: the body that it announces may come. */
  expectBody(): void {
    this.#bodyLeft = this.exchange.requestLength;
  }

  /** Whether silence counts against the peer: it owes a body that somebody waits for. */
  get owesBody(): boolean {
    return this.requestOpen && !this.#paused && !this.#answerDone && this.exchange.requestLength !== 0;
  }

  /** Takes a piece of the body, `buffer[start, end)`; the window was accounted for. */
  data(buffer: Buffer, start: number, end: number): void {
    this.receivedAt = this.#owner.tick;
    const octets = end - start;
    this.#bodyBytes += octets;
    if (this.#bodyLeft !== UNKNOWN_LENGTH && (this.#bodyLeft -= octets) < 0) return this.#malformed(octets);
    const { maxRequestBodyBytes } = this.#owner;
    if (maxRequestBodyBytes > 0 && this.#bodyBytes > maxRequestBodyBytes) return this.#tooLarge(octets);
    if (this.#answerDone) return this.consume(octets);
    if (this.#paused || this.#delivering || this.#isHolding()) {
      this.#held ??= new ByteQueue();
      this.#held.push(buffer, start, end);
      return;
    }
    this.#owner.events.requestData(this.exchange, buffer.subarray(start, end));
    this.consume(octets);
  }

  /** END_STREAM. */
  requestEnd(trailers: Headers | null): void {
    this.requestOpen = false;
    if (this.#bodyLeft > 0) return this.#malformed(0);
    if (this.#answerDone) return;
    if (this.#isHolding() || this.#delivering) {
      this.#endHeld = true;
      this.#trailersHeld = trailers;
      return;
    }
    // The end of a request without a body was told with its head.
    if (this.exchange.requestLength !== 0) this.#owner.events.requestEnd(this.exchange, trailers);
  }

  #isHolding(): boolean {
    return this.#held !== null && this.#held.length > 0;
  }

  /** Section 8.1.1: a body of another length than announced. */
  #malformed(octets: number): void {
    this.#owner.credit(octets);
    this.#drop();
    this.resetCode = CODE.protocolError;
    if (this.#answerDone) this.#owner.reset(this, CODE.protocolError);
    else this.#owner.events.requestFailed(this.exchange, ERRORS.requestMalformed);
  }

  #tooLarge(octets: number): void {
    this.#owner.credit(octets);
    this.#drop();
    if (this.#answerDone) return;
    this.#owner.events.requestFailed(this.exchange, ERRORS.requestBodyTooLarge);
  }

  /** Gives back the window of a body that nobody will take. */
  #drop(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null && held.length > 0) this.#owner.credit(held.length);
  }

  /** Gives a window back for bytes that were passed on, or were padding. */
  consume(octets: number): void {
    this.#owner.credit(octets);
    if (!this.requestOpen || this.closed) return;
    const increment = this.window.give(octets);
    if (increment > 0) this.#owner.output.number(FRAME.windowUpdate, this.id, increment);
  }

  pauseRequest(): void {
    this.#paused = true;
  }

  resumeRequest(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.receivedAt = this.#owner.tick;
    if (!this.#delivering) this.#deliver();
  }

  /** Hands on what was held back, until somebody pauses again. */
  #deliver(): void {
    const held = this.#held;
    if (held !== null) {
      this.#delivering = true;
      while (held.length > 0 && !this.#paused && !this.closed && !this.#answerDone) {
        const piece = held.shift(MAX_FRAME_SIZE);
        this.#owner.events.requestData(this.exchange, piece);
        this.consume(piece.length);
      }
      this.#delivering = false;
    }
    if (!this.#endHeld || this.#isHolding() || this.closed || this.#answerDone) return;
    this.#endHeld = false;
    this.#owner.events.requestEnd(this.exchange, this.#trailersHeld);
  }

  // The answer

  writeInformational(status: number, headers: readonly string[]): void {
    if (this.closed || this.#headSent) return;
    this.#owner.heads.head(this.id, status, headers, -1);
  }

  writeHead(exchange: Exchange): void {
    if (this.closed) return;
    this.#headSent = true;
    const { status, responseLength } = exchange;
    this.#bodiless = isBodiless(status) || exchange.method === 'HEAD';
    // RFC 9110 section 8.6: a 204 has none; what HEAD and 304 leave out is told only if it is known.
    const told = status === 204 || (this.#bodiless && responseLength === 0) ? -1 : responseLength;
    this.#sent(this.#owner.heads.head(this.id, status, exchange.responseHeaders, told));
  }

  writeData(_exchange: Exchange, chunk: Buffer): boolean {
    if (this.closed || this.#bodiless) return true;
    const taken = this.waiting ? 0 : this.#send(chunk, 0);
    if (taken < chunk.length) {
      this.#waiting ??= new ByteQueue();
      this.#waiting.push(chunk, taken, chunk.length);
    } else if (!this.#owner.output.full) return true;
    this.#owner.blocked(this);
    return false;
  }

  /** Sends of `chunk` from `position` on what the windows allow and returns where it stopped. */
  #send(chunk: Buffer, position: number): number {
    const owner = this.#owner;
    while (position < chunk.length) {
      const octets = Math.min(chunk.length - position, this.sendWindow, owner.sendWindow, MAX_FRAME_SIZE);
      if (octets <= 0) break;
      const start = owner.output.begin(FRAME.data, 0, this.id, octets);
      owner.output.block.set(octets === chunk.length ? chunk : chunk.subarray(position, position + octets), start);
      this.sendWindow -= octets;
      owner.sendWindow -= octets;
      position += octets;
      this.sentAt = owner.tick;
      this.#sent(start - 5);
    }
    return position;
  }

  /** Remembers the frame just begun, in case the end of the stream can still be put on it. */
  #sent(flagsAt: number): void {
    this.#flagsAt = flagsAt;
    this.#flagsGeneration = this.#owner.output.generation;
    this.#owner.answered();
  }

  /** Goes on with what waits, by one frame at most, so that streams take turns. True: nothing waits any more. */
  pump(): boolean {
    const waiting = this.#waiting;
    if (waiting !== null && waiting.length > 0) {
      const octets = Math.min(this.sendWindow, this.#owner.sendWindow, MAX_FRAME_SIZE);
      if (octets > 0) this.#send(waiting.shift(octets), 0);
      if (waiting.length > 0) return false;
    }
    if (this.#endWaiting) this.#finish(this.#trailersWaiting);
    else if (!this.closed) this.#owner.events.downstreamDrained(this.exchange);
    return true;
  }

  end(_exchange: Exchange, trailers: Headers | null): void {
    this.#answerDone = true;
    this.#drop();
    if (this.closed) return;
    if (!this.waiting) return this.#finish(trailers);
    this.#endWaiting = true;
    this.#trailersWaiting = trailers;
  }

  #finish(trailers: Headers | null): void {
    const { output, heads } = this.#owner;
    if (trailers !== null && trailers.length > 0) heads.trailers(this.id, trailers);
    else if (this.#flagsGeneration === output.generation) output.flag(this.#flagsAt, FLAG.endStream);
    else output.begin(FRAME.data, FLAG.endStream, this.id, 0);
    this.#owner.closed(this);
  }

  abort(): void {
    this.#answerDone = true;
    if (this.closed) return;
    if (this.resetCode === CODE.noError) this.resetCode = CODE.internalError;
    this.#owner.closed(this);
  }

  /** Nothing to do: a stream carries bytes in both directions as it is. */
  startTunnel(): void {
    this.#paused = false;
    this.#deliver();
  }

  /** The stream is gone, for the peer or for us: nothing is sent any more, and what waited is dropped. */
  close(): void {
    this.closed = true;
    this.#waiting = null;
    this.#drop();
  }
}
