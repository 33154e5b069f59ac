// One stream of a connection, on either side: received bytes, held back while their receiver is paused, and sent bytes, held back until the
// peer opens a window. The subclasses decide which of them is the request.
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { ByteQueue } from './byte-queue.ts';
import { CODE, FLAG, FRAME, MAX_FRAME_SIZE } from './frames.ts';
import type { HeadWriter } from './head-writer.ts';
import type { H2Output } from './output.ts';
import { ReceiveWindow } from './receive-window.ts';

/** The interface of its connection. */
export interface StreamOwner {
  readonly output: H2Output;
  readonly heads: HeadWriter;
  /** The receive window of a stream. */
  readonly streamWindow: number;
  /** The send window of the connection. */
  sendWindow: number;
  /** The time, as cheaply as possible. */
  readonly now: number;
  /** Received bytes were passed on or dropped. */
  credit(octets: number): void;
  /** A frame with content was sent. */
  sent(): void;
}

export abstract class H2Stream {
  readonly id: number;
  closed = false;
  /** The error code for a reset of the stream once the answer is over. */
  resetCode: number = CODE.noError;
  readonly #owner: StreamOwner;
  // Receiving.
  /** The peer may still send. */
  inboundOpen = true;
  readonly window: ReceiveWindow;
  /** The time of the peer's last byte of the body, or when it last had no reason to send. */
  receivedAt: number;
  #inboundLeft = UNKNOWN_LENGTH;
  #held: ByteQueue | null = null;
  #endHeld = false;
  #trailersHeld: Headers | null = null;
  #paused = false;
  #delivering = false;
  // Sending.
  sendWindow: number;
  /** The time when the peer last received bytes, or when it last had none to receive. */
  sentAt: number;
  /** Everything was sent, including the end. */
  outboundDone = false;
  #waiting: ByteQueue | null = null;
  #endWaiting = false;
  #trailersWaiting: Headers | null = null;
  /** The position of the flags of the last frame in the output, while it is valid. */
  #flagsAt = -1;
  #flagsGeneration = -1;

  constructor(id: number, owner: StreamOwner, sendWindow: number) {
    this.id = id;
    this.#owner = owner;
    this.sendWindow = sendWindow;
    this.window = new ReceiveWindow(owner.streamWindow);
    this.receivedAt = owner.now;
    this.sentAt = owner.now;
  }

  /** Whether silence counts against the peer. */
  abstract get peerOwes(): boolean;

  /** Only long silence of both sides counts: a gRPC call may have nothing to send for an hour. */
  abstract get mayBeSilent(): boolean;

  /** The lag of the peer in sending and receiving, milliseconds, if there is a minimum rate. */
  get inboundLag(): number {
    return 0;
  }

  get outboundLag(): number {
    return 0;
  }

  /** Further received bytes are not needed. */
  protected abstract get deaf(): boolean;
  /** The exchange of this message; null once it is not needed. */
  protected abstract exchangeOrNull(): Exchange | null;
  protected abstract deliver(piece: Buffer): void;
  protected abstract deliverEnd(trailers: Headers | null): void;
  /** The length of the body differs from that in its head: section 8.1.1. */
  protected abstract lengthMismatch(): void;
  /** The output has room again. */
  protected abstract drained(): void;
  /** The output waits for a window or for the socket. */
  protected abstract blocked(): void;
  /** The end of the output was sent. */
  protected abstract outboundEnded(): void;

  /** Bytes wait for a window. */
  get waiting(): boolean {
    return this.#waiting !== null && this.#waiting.length > 0;
  }

  // Receiving

  /** The announced octets, or UNKNOWN_LENGTH. */
  expect(octets: number): void {
    this.#inboundLeft = octets;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Takes a piece of the body, `buffer[start, end)`; the window already counts it. */
  data(buffer: Buffer, start: number, end: number): void {
    this.receivedAt = this.#owner.now;
    const octets = end - start;
    if (this.#inboundLeft !== UNKNOWN_LENGTH && (this.#inboundLeft -= octets) < 0) {
      this.#owner.credit(octets);
      this.dropHeld();
      return this.lengthMismatch();
    }
    if (this.deaf) return this.consume(octets);
    if (this.#paused || this.#delivering || this.#isHolding()) {
      this.#held ??= new ByteQueue();
      this.#held.push(buffer, start, end);
      return;
    }
    this.deliver(buffer.subarray(start, end));
    this.consume(octets);
  }

  /** END_STREAM. */
  dataEnd(trailers: Headers | null): void {
    this.inboundOpen = false;
    if (this.#inboundLeft > 0) {
      this.dropHeld();
      return this.lengthMismatch();
    }
    if (this.deaf) return;
    if (this.#isHolding() || this.#delivering) {
      this.#endHeld = true;
      this.#trailersHeld = trailers;
      return;
    }
    this.deliverEnd(trailers);
  }

  #isHolding(): boolean {
    return this.#held !== null && this.#held.length > 0;
  }

  /** Returns the window of bytes that are dropped. */
  protected dropHeld(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null && held.length > 0) this.#owner.credit(held.length);
  }

  /** Returns the window of bytes that were passed on, or were padding. */
  consume(octets: number): void {
    this.#owner.credit(octets);
    if (!this.inboundOpen || this.closed) return;
    const increment = this.window.give(octets);
    if (increment > 0) this.#owner.output.number(FRAME.windowUpdate, this.id, increment);
  }

  /** Holds back received bytes. */
  pause(): void {
    this.#paused = true;
  }

  /** Passes on held-back bytes until the next pause. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.receivedAt = this.#owner.now;
    if (this.#delivering) return;
    if (this.#held !== null) this.#deliverHeld(this.#held);
    if (!this.#endHeld || this.#isHolding() || this.closed || this.deaf) return;
    this.#endHeld = false;
    this.deliverEnd(this.#trailersHeld);
  }

  #deliverHeld(held: ByteQueue): void {
    this.#delivering = true;
    while (held.length > 0 && !this.#paused && !this.closed && !this.deaf) {
      const piece = held.shift(MAX_FRAME_SIZE);
      this.deliver(piece);
      this.consume(piece.length);
    }
    this.#delivering = false;
  }

  // Sending

  /** Sends a piece of the body. False: it waits, or the socket is behind. */
  protected send(chunk: Buffer): boolean {
    const taken = this.waiting ? 0 : this.#sendFrom(chunk, 0);
    if (taken < chunk.length) {
      this.#waiting ??= new ByteQueue();
      this.#waiting.push(chunk, taken, chunk.length);
    } else if (!this.#owner.output.full) return true;
    this.blocked();
    return false;
  }

  /** Sends `chunk` from `position` on as far as the windows allow, and returns the position of the rest. */
  #sendFrom(chunk: Buffer, position: number): number {
    const owner = this.#owner;
    while (position < chunk.length) {
      const octets = Math.min(chunk.length - position, this.sendWindow, owner.sendWindow, MAX_FRAME_SIZE);
      if (octets <= 0) break;
      const start = owner.output.begin(FRAME.data, 0, this.id, octets);
      owner.output.block.set(octets === chunk.length ? chunk : chunk.subarray(position, position + octets), start);
      this.sendWindow -= octets;
      owner.sendWindow -= octets;
      position += octets;
      this.sentAt = owner.now;
      this.remember(start - 5);
    }
    return position;
  }

  /** Stores the position of the flags of the last frame, to add the end of the stream later. */
  protected remember(flagsAt: number): void {
    this.#flagsAt = flagsAt;
    this.#flagsGeneration = this.#owner.output.generation;
    this.#owner.sent();
  }

  /** Continues with waiting bytes, at most one frame, so that streams take turns. True: none are waiting any more. */
  pump(): boolean {
    const waiting = this.#waiting;
    if (waiting !== null && waiting.length > 0) {
      const octets = Math.min(this.sendWindow, this.#owner.sendWindow, MAX_FRAME_SIZE);
      if (octets > 0) {
        this.#sendFrom(waiting.shift(octets), 0);
        this.taken(octets);
      }
      if (waiting.length > 0) return false;
    }
    if (this.#endWaiting) this.#sendEnd(this.#trailersWaiting);
    else if (!this.closed && !this.outboundDone) this.drained();
    return true;
  }

  /** The peer's window allowed this many of the waiting bytes. */
  protected taken(_octets: number): void {}

  /** Ends the output once waiting bytes are sent. */
  protected finish(trailers: Headers | null): void {
    if (!this.waiting) return this.#sendEnd(trailers);
    this.#endWaiting = true;
    this.#trailersWaiting = trailers;
  }

  /** The peer excludes headers with these names from tables; ours on the other side must do the same. */
  keepSecret(names: readonly string[]): void {
    const exchange = this.exchangeOrNull();
    if (exchange === null) return;
    exchange.secrets = exchange.secrets === null ? [...names] : [...new Set([...exchange.secrets, ...names])];
  }

  #sendEnd(trailers: Headers | null): void {
    const { output, heads } = this.#owner;
    this.#endWaiting = false;
    if (trailers !== null && trailers.length > 0) heads.trailers(this.id, trailers, this.exchangeOrNull()?.secrets ?? null);
    else if (this.#flagsGeneration === output.generation) output.flag(this.#flagsAt, FLAG.endStream);
    else output.begin(FRAME.data, FLAG.endStream, this.id, 0);
    this.outboundDone = true;
    this.outboundEnded();
  }

  /** The peer stops receiving. */
  stopSending(): void {
    this.#waiting = null;
    this.#endWaiting = false;
    this.outboundDone = true;
  }

  /** The stream has ended, for the peer or for us: waiting bytes are dropped. */
  close(): void {
    this.closed = true;
    this.#waiting = null;
    this.dropHeld();
  }
}
