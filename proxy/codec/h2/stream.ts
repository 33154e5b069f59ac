// One stream of a connection, either side of it: what comes in, held back while nobody can take it, and what goes out, held
// back while the peer gives no window for it. Which of the two is the request is for the sides to say.
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { ByteQueue } from './byte-queue.ts';
import { CODE, FLAG, FRAME, MAX_FRAME_SIZE } from './frames.ts';
import type { HeadWriter } from './head-writer.ts';
import type { H2Output } from './output.ts';
import { ReceiveWindow } from './receive-window.ts';

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly output: H2Output;
  readonly heads: HeadWriter;
  /** Window of what comes in on a stream. */
  readonly streamWindow: number;
  /** Window of the connection for what goes out. */
  sendWindow: number;
  /** Time, as cheap as it can be had. */
  readonly now: number;
  /** Bytes that came in were passed on or dropped. */
  credit(octets: number): void;
  /** A frame that carries something was sent. */
  sent(): void;
}

export abstract class H2Stream {
  readonly id: number;
  closed = false;
  /** With what code the stream is reset once the answer is over. */
  resetCode: number = CODE.noError;
  readonly #owner: StreamOwner;
  // In.
  /** The peer may still send. */
  inboundOpen = true;
  readonly window: ReceiveWindow;
  /** When the peer last sent of its body, or had no reason to. */
  receivedAt: number;
  #inboundLeft = UNKNOWN_LENGTH;
  #held: ByteQueue | null = null;
  #endHeld = false;
  #trailersHeld: Headers | null = null;
  #paused = false;
  #delivering = false;
  // Out.
  sendWindow: number;
  /** When the peer last took of what we send, or had nothing to take. */
  sentAt: number;
  /** Everything was sent, the end included. */
  outboundDone = false;
  #waiting: ByteQueue | null = null;
  #endWaiting = false;
  #trailersWaiting: Headers | null = null;
  /** Where the flags of the last frame are in the output, as long as that has not moved on. */
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

  /** Silence counts only when it is long, and goes both ways: a gRPC call may have nothing to say for an hour. */
  abstract get mayBeSilent(): boolean;

  /** How far the peer is behind with what it sends and with what it takes, milliseconds, where there is a least rate for it. */
  get inboundLag(): number {
    return 0;
  }

  get outboundLag(): number {
    return 0;
  }

  /** Nobody wants what still comes in. */
  protected abstract get deaf(): boolean;
  /** Whose message this is; null once nobody waits for it. */
  protected abstract exchangeOrNull(): Exchange | null;
  protected abstract deliver(piece: Buffer): void;
  protected abstract deliverEnd(trailers: Headers | null): void;
  /** The body is not as long as its head said: section 8.1.1. */
  protected abstract lengthMismatch(): void;
  /** There is room again for what goes out. */
  protected abstract drained(): void;
  /** What goes out waits for a window or for the socket. */
  protected abstract blocked(): void;
  /** The end of what goes out was sent. */
  protected abstract outboundEnded(): void;

  /** Bytes wait for a window. */
  get waiting(): boolean {
    return this.#waiting !== null && this.#waiting.length > 0;
  }

  // In

  /** Octets that the head announced, or UNKNOWN_LENGTH. */
  expect(octets: number): void {
    this.#inboundLeft = octets;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Takes a piece of the body, `buffer[start, end)`; the window was accounted for. */
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

  /** Gives back the window of what nobody will take. */
  protected dropHeld(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null && held.length > 0) this.#owner.credit(held.length);
  }

  /** Gives a window back for bytes that were passed on, or were padding. */
  consume(octets: number): void {
    this.#owner.credit(octets);
    if (!this.inboundOpen || this.closed) return;
    const increment = this.window.give(octets);
    if (increment > 0) this.#owner.output.number(FRAME.windowUpdate, this.id, increment);
  }

  /** Holds back what comes in. */
  pause(): void {
    this.#paused = true;
  }

  /** Hands on what was held back, until somebody pauses again. */
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

  // Out

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

  /** Sends of `chunk` from `position` on what the windows allow and returns where it stopped. */
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

  /** Remembers the frame just begun, by the place of its flags, in case the end of the stream can still be put on it. */
  protected remember(flagsAt: number): void {
    this.#flagsAt = flagsAt;
    this.#flagsGeneration = this.#owner.output.generation;
    this.#owner.sent();
  }

  /** Goes on with what waits, by one frame at most, so that streams take turns. True: nothing waits any more. */
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

  /** The peer let go out so much of what waited for it. */
  protected taken(_octets: number): void {}

  /** Ends what goes out, once what waits is sent. */
  protected finish(trailers: Headers | null): void {
    if (!this.waiting) return this.#sendEnd(trailers);
    this.#endWaiting = true;
    this.#trailersWaiting = trailers;
  }

  /** The peer wants headers of these names in no table: not in ours on the other side either. */
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

  /** The peer wants no more of what goes out. */
  stopSending(): void {
    this.#waiting = null;
    this.#endWaiting = false;
    this.outboundDone = true;
  }

  /** The stream is gone, for the peer or for us: nothing is sent any more, and what waited is dropped. */
  close(): void {
    this.closed = true;
    this.#waiting = null;
    this.dropHeld();
  }
}
