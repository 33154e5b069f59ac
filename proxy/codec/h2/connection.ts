// The common part of both ends of an HTTP/2 connection: received frames and their effect on the connection, windows, the turns of the
// streams, budgets against floods, and the end. The two subclasses handle the streams.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { cut } from '../h1/cut.ts';
import { HpackDecoder } from '../hpack/decoder.ts';
import type { DecodeOutcome } from '../hpack/decoder.ts';
import { connectionFailure } from './connection-failures.ts';
import type { Side } from './connection-failures.ts';
import { FloodGuard } from './floods.ts';
import type { FloodReason } from './floods.ts';
import { FrameReader } from './frame-reader.ts';
import type { FrameSink } from './frame-reader.ts';
import { CODE, DEFAULT_WINDOW, FLAG, FRAME, MAX_WINDOW, readUint31, readUint32 } from './frames.ts';
import type { Frame } from './frames.ts';
import { HeadWriter } from './head-writer.ts';
import { HeaderBlock } from './header-block.ts';
import { H2Output } from './output.ts';
import { Progress } from './progress.ts';
import type { Patience, ProgressOwner } from './progress.ts';
import { ReceiveWindow } from './receive-window.ts';
import { PeerSettings, SETTINGS_ACK } from './settings.ts';
import type { ConnectionSettings } from './settings.ts';
import type { H2Stream, StreamOwner } from './stream.ts';
import { StreamTable } from './stream-table.ts';

/** `preface`: nothing was received yet. `closing`: everything is sent. */
export type ConnectionState = 'preface' | 'open' | 'closing' | 'gone';

/** The differences between the ends. */
export interface EndOptions {
  readonly side: Side;
  /** The first bytes to send. */
  readonly preface: Buffer;
  /** Receive windows of the connection and of each stream. */
  readonly connectionWindow: number;
  readonly streamWindow: number;
  /** Octets of a header list. */
  readonly maxListSize: number;
  readonly patience: Patience;
}

/** The decoded header list. One per worker: it is used before the next one is decoded. */
const list: string[] = [];

export abstract class H2Connection<S extends H2Stream> implements FrameSink, StreamOwner, ProgressOwner<S> {
  readonly output: H2Output;
  readonly heads: HeadWriter;
  readonly streamWindow: number;
  sendWindow = DEFAULT_WINDOW;
  protected readonly socket: net.Socket;
  protected readonly settings: ConnectionSettings;
  protected readonly reader: FrameReader;
  protected readonly peer = new PeerSettings();
  protected readonly streams = new StreamTable<S>();
  protected readonly progress: Progress<S>;
  protected readonly block = new HeaderBlock();
  protected state: ConnectionState = 'preface';
  /** The timer of the connection. */
  protected readonly timer: Timer;
  readonly #side: Side;
  readonly #maxListSize: number;
  readonly #decoder: HpackDecoder;
  readonly #guard: FloodGuard;
  readonly #window: ReceiveWindow;
  #settingsSeen = false;

  constructor(socket: net.Socket, settings: ConnectionSettings, end: EndOptions) {
    const { limits, wheel } = settings;
    this.socket = socket;
    this.settings = settings;
    this.output = new H2Output(socket, limits.maxBufferedBytes);
    this.heads = new HeadWriter(this.output);
    this.streamWindow = end.streamWindow;
    this.reader = new FrameReader(this);
    this.progress = new Progress(this, this.streams, socket, wheel, end.patience);
    this.timer = new Timer(() => this.#timedOut());
    this.#side = end.side;
    this.#maxListSize = end.maxListSize;
    this.#decoder = new HpackDecoder({ tableSize: 4_096, maxListSize: end.maxListSize, maxHeaders: limits.maxHeaders });
    this.#guard = new FloodGuard(limits);
    this.#window = new ReceiveWindow(end.connectionWindow);
    this.output.raw(end.preface);
    socket.on('drain', () => this.#drained());
    socket.on('finish', () => this.#finished());
    socket.on('end', () => this.#ended());
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed());
  }

  // Implemented by subclasses

  /** The first block of a stream, or its trailers; `list` is valid only during the call. */
  protected abstract takeList(id: number, list: string[], outcome: DecodeOutcome): void;
  /** Whether neither side has opened a stream with this number. */
  protected abstract isIdle(id: number): boolean;
  /** The peer reset an open stream. */
  protected abstract takeStreamReset(stream: S, code: number): void;
  protected abstract takeGoaway(lastStream: number, code: number): void;
  /** The answer to one of our PINGs. */
  protected abstract takePong(payload: Buffer): void;
  /** The peer's settings have changed. */
  protected abstract settingsChanged(): void;
  /** The stream ends with the connection, or because of an error of the peer. It is already removed. */
  protected abstract streamFailed(stream: S): void;
  /** A stream was removed. */
  protected abstract left(): void;
  /** The timer of the connection expired, outside of a header block. */
  protected abstract waitedTooLong(): void;
  /** Arms the timer of the connection outside of header blocks. */
  protected abstract armTimer(): void;
  /** The highest stream of the peer that was accepted. */
  protected abstract get lastTaken(): number;
  abstract inboundStalled(stream: S): void;
  abstract outboundStalled(stream: S): void;
  abstract looked(): number;
  /** Octets of a body arrived; see `credit`. */
  protected abstract received(octets: number): void;
  abstract credit(octets: number): void;

  get now(): number {
    return this.settings.wheel.now;
  }

  get over(): boolean {
    return this.state === 'closing' || this.state === 'gone';
  }

  // Frames

  frameTooLarge(): void {
    this.fail(CODE.frameSizeError);
  }

  frame(frame: Frame): boolean {
    const { type } = frame;
    if (this.block.stream !== 0 && type !== FRAME.continuation) this.fail(CODE.protocolError);
    // Section 3.4: settings come first, and an acknowledgement is not settings.
    else if (!this.#settingsSeen && (type !== FRAME.settings || frame.has(FLAG.ack))) this.fail(CODE.protocolError);
    else this.#dispatch(frame);
    return !this.over;
  }

  #dispatch(frame: Frame): void {
    switch (frame.type) {
      case FRAME.data:
        return this.#takeData(frame);
      case FRAME.headers:
        return this.#takeHeaders(frame);
      case FRAME.windowUpdate:
        return this.#takeWindowUpdate(frame);
      case FRAME.rstStream:
        return this.#takeReset(frame);
      case FRAME.continuation:
        return this.#takeContinuation(frame);
      default:
        return this.#dispatchRare(frame);
    }
  }

  #dispatchRare(frame: Frame): void {
    switch (frame.type) {
      case FRAME.settings:
        return this.#takeSettings(frame);
      case FRAME.ping:
        return this.#takePing(frame);
      case FRAME.priority:
        return this.#takePriority(frame);
      case FRAME.goaway:
        return this.#takeGoaway(frame);
      case FRAME.pushPromise:
        return this.fail(CODE.protocolError);
      default:
        this.mayControl('unknown_frame');
    }
  }

  // Header blocks

  #takeHeaders(frame: Frame): void {
    if ((frame.stream & 1) === 0) return this.fail(CODE.protocolError);
    if (!unpad(frame)) return this.fail(CODE.protocolError);
    const ended = frame.has(FLAG.endStream);
    let selfDependent = false;
    if (frame.has(FLAG.priority)) {
      if (frame.length < 5) return this.fail(CODE.frameSizeError);
      selfDependent = readUint31(frame.buffer, frame.start) === frame.stream;
      frame.start += 5;
    }
    this.block.begin(frame.stream, ended, selfDependent);
    if (frame.has(FLAG.endHeaders)) return this.#takeBlock(frame.buffer, frame.start, frame.end);
    this.settings.wheel.arm(this.timer, this.settings.limits.requestHeadTimeout);
    this.#gather(frame);
  }

  #takeContinuation(frame: Frame): void {
    if (this.block.stream === 0 || frame.stream !== this.block.stream) return this.fail(CODE.protocolError);
    if (!this.mayControl('continuation') || !this.#gather(frame) || !frame.has(FLAG.endHeaders)) return;
    this.armTimer();
    const block = this.block.take();
    this.block.stream = frame.stream;
    this.#takeBlock(block, 0, block.length);
  }

  /** A block twice as large as the limit of its list is not worth decoding; without decoding it the connection must end. */
  #gather(frame: Frame): boolean {
    if (this.block.length + frame.length > this.#maxListSize * 2) return this.flood('header_block');
    this.block.push(frame.buffer, frame.start, frame.end);
    return true;
  }

  #takeBlock(buffer: Buffer, start: number, end: number): void {
    const id = this.block.stream;
    this.block.stream = 0;
    list.length = 0;
    const outcome = this.#decoder.decode(buffer, start, end, list);
    if (outcome === 'invalid') return this.fail(CODE.compressionError);
    if (this.#decoder.secrets !== null) this.streams.get(id)?.keepSecret(this.#decoder.secrets);
    this.takeList(id, list, outcome);
  }

  /** Names in the last list that must not be in compression tables. */
  protected get secrets(): string[] | null {
    return this.#decoder.secrets;
  }

  // Bodies

  #takeData(frame: Frame): void {
    const octets = frame.length;
    if (frame.stream === 0 || !unpad(frame)) return this.fail(CODE.protocolError);
    if (!this.#window.take(octets)) return this.fail(CODE.flowControlError);
    this.received(octets);
    if (frame.length === 0 && !frame.has(FLAG.endStream) && !this.mayControl('empty_data')) return;
    const stream = this.streams.get(frame.stream);
    if (stream === undefined) this.#takeStrayData(frame.stream, octets);
    else this.#takeStreamData(stream, frame, octets);
  }

  /** `octets`: including padding, as windows count. */
  #takeStreamData(stream: S, frame: Frame, octets: number): void {
    if (!stream.inboundOpen || !stream.window.take(octets)) {
      this.credit(octets);
      return this.reset(stream, stream.inboundOpen ? CODE.flowControlError : CODE.streamClosed);
    }
    if (octets > frame.length) stream.consume(octets - frame.length);
    if (frame.length > 0) stream.data(frame.buffer, frame.start, frame.end);
    if (frame.has(FLAG.endStream) && !stream.closed) stream.dataEnd(null);
  }

  #takeStrayData(id: number, octets: number): void {
    if (this.isIdle(id)) return this.fail(CODE.protocolError);
    if (!this.streams.wasReset(id)) return this.fail(CODE.streamClosed);
    this.credit(octets);
  }

  /** Allows the peer to send as many more octets on the connection, once that is worth a frame. */
  protected widenInbound(octets: number): void {
    const increment = this.#window.give(octets);
    if (increment > 0 && !this.over) this.output.number(FRAME.windowUpdate, 0, increment);
  }

  /** The peer may not send any bytes of bodies. */
  get inboundShut(): boolean {
    return this.#window.shut;
  }

  // Control frames

  /** Section 6.9. */
  #takeWindowUpdate(frame: Frame): void {
    if (frame.length !== 4) return this.fail(CODE.frameSizeError);
    if (!this.mayControl('window_update')) return;
    const increment = readUint31(frame.buffer, frame.start);
    if (frame.stream === 0) return this.#widen(increment);
    const stream = this.streams.get(frame.stream);
    if (stream === undefined) return this.isIdle(frame.stream) ? this.fail(CODE.protocolError) : undefined;
    if (increment === 0) return this.reset(stream, CODE.protocolError);
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) return this.reset(stream, CODE.flowControlError);
    if (this.streams.isBlocked(stream)) this.pump();
  }

  #widen(increment: number): void {
    this.sendWindow += increment;
    if (increment === 0) this.fail(CODE.protocolError);
    else if (this.sendWindow > MAX_WINDOW) this.fail(CODE.flowControlError);
    else this.pump();
  }

  #takeReset(frame: Frame): void {
    if (frame.stream === 0 || this.isIdle(frame.stream)) return this.fail(CODE.protocolError);
    if (frame.length !== 4) return this.fail(CODE.frameSizeError);
    const stream = this.streams.get(frame.stream);
    if (stream === undefined) this.mayControl('reset');
    else this.takeStreamReset(stream, readUint32(frame.buffer, frame.start));
  }

  #takeSettings(frame: Frame): void {
    if (frame.stream !== 0) return this.fail(CODE.protocolError);
    this.#settingsSeen = true;
    if (this.state === 'preface') this.state = 'open';
    if (!this.mayControl('settings')) return;
    if (frame.has(FLAG.ack)) return frame.length === 0 ? undefined : this.fail(CODE.frameSizeError);
    const window = this.peer.initialWindow;
    const error = this.peer.take(frame);
    if (error !== CODE.noError) return this.fail(error);
    this.output.raw(SETTINGS_ACK);
    this.heads.setTableSize(this.peer.headerTableSize);
    if (this.peer.initialWindow !== window) this.#shiftWindows(this.peer.initialWindow - window);
    this.settingsChanged();
  }

  /** Section 6.9.2: a change of the initial size also changes the windows of open streams, possibly below 0. */
  #shiftWindows(difference: number): void {
    for (const stream of this.streams.snapshot()) {
      stream.sendWindow += difference;
      if (stream.sendWindow > MAX_WINDOW) return this.fail(CODE.flowControlError);
    }
    if (difference > 0) this.pump();
  }

  #takePing(frame: Frame): void {
    if (frame.stream !== 0) return this.fail(CODE.protocolError);
    if (frame.length !== 8) return this.fail(CODE.frameSizeError);
    if (!this.mayControl('ping')) return;
    const payload = frame.buffer.subarray(frame.start, frame.end);
    if (frame.has(FLAG.ack)) this.takePong(payload);
    else this.ping(FLAG.ack, payload);
  }

  protected ping(flags: number, payload: Buffer): void {
    const start = this.output.begin(FRAME.ping, flags, 0, payload.length);
    this.output.block.set(payload, start);
  }

  /** Ignored, as RFC 9113 allows, if it is well-formed. */
  #takePriority(frame: Frame): void {
    if (frame.stream === 0) return this.fail(CODE.protocolError);
    if (!this.mayControl('priority')) return;
    const stream = this.streams.get(frame.stream);
    const wrongSize = frame.length !== 5;
    if (!wrongSize && readUint31(frame.buffer, frame.start) !== frame.stream) return;
    const code = wrongSize ? CODE.frameSizeError : CODE.protocolError;
    if (stream === undefined) this.fail(code);
    else this.reset(stream, code);
  }

  /** The peer ends the connection. */
  #takeGoaway(frame: Frame): void {
    if (frame.stream !== 0) return this.fail(CODE.protocolError);
    if (frame.length < 8) return this.fail(CODE.frameSizeError);
    if (!this.mayControl('unknown_frame')) return;
    this.takeGoaway(readUint31(frame.buffer, frame.start), readUint32(frame.buffer, frame.start + 4));
  }

  // Floods

  /** A header block on a closed stream: the peer may not know yet that it was reset. */
  protected takeStrayBlock(id: number): void {
    if (this.isIdle(id)) this.fail(CODE.protocolError);
    else if (!this.streams.wasReset(id)) this.fail(CODE.streamClosed);
    else this.mayControl('stray_headers');
  }

  protected mayControl(reason: FloodReason): boolean {
    return this.#guard.control() || this.flood(reason);
  }

  protected mayReset(reason: FloodReason): boolean {
    return this.#guard.reset() || this.flood(reason);
  }

  protected flood(reason: FloodReason): false {
    this.settings.floods.count(reason);
    this.fail(CODE.enhanceYourCalm);
    return false;
  }

  sent(): void {
    this.#guard.answered();
  }

  // Streams: their turns, and their end

  blocked(stream: S): void {
    if (this.streams.block(stream)) stream.sentAt = this.now;
  }

  protected pump(): void {
    this.streams.takeTurns(this.#stopped);
  }

  readonly #stopped = (stream: S): 'all' | 'this' | 'no' => {
    if (this.output.full) return 'all';
    return stream.waiting && (stream.sendWindow <= 0 || this.sendWindow <= 0) ? 'this' : 'no';
  };

  /** The peer violated the protocol: the stream is reset, and its exchange fails. */
  reset(stream: S, code: number): void {
    if (!this.mayReset('provoked_reset')) return;
    this.sendReset(stream.id, code);
    this.leave(stream);
    this.streamFailed(stream);
  }

  /** Resets a stream; frames that the peer sent before it knows are ignored. */
  protected sendReset(id: number, code: number): void {
    this.output.number(FRAME.rstStream, id, code);
    this.streams.rememberReset(id);
  }

  protected leave(stream: S): void {
    stream.close();
    if (this.streams.delete(stream)) this.left();
  }

  // The end

  protected goaway(lastStream: number, code: number): void {
    const start = this.output.begin(FRAME.goaway, 0, 0, 8);
    this.output.block.writeUInt32BE(lastStream, start);
    this.output.block.writeUInt32BE(code, start + 4);
  }

  /** A connection error: nothing on this connection can be trusted any more. */
  protected fail(code: number): void {
    if (this.over) return;
    this.settings.failures.failed(connectionFailure(this.#side, code), this.socket.remoteAddress ?? '');
    this.goaway(this.lastTaken, code);
    this.close();
    this.failStreams();
  }

  protected failStreams(): void {
    for (const stream of this.streams.snapshot()) {
      this.leave(stream);
      this.streamFailed(stream);
    }
  }

  /** Sends the rest; then the peer has a while to close. Its bytes are read and dropped, so that no reset overtakes ours. */
  protected close(): void {
    if (this.over) return;
    this.state = 'closing';
    this.output.flush();
    this.socket.end();
    if (this.socket.isPaused()) this.socket.resume();
    if (this.socket.writableFinished) this.#finished();
    else this.settings.wheel.arm(this.timer, this.settings.limits.downstreamWriteTimeout);
  }

  // Events of the socket

  #finished(): void {
    if (this.state === 'closing') this.settings.wheel.arm(this.timer, this.settings.limits.lingerTimeout);
  }

  #drained(): void {
    if (this.over) return;
    this.pump();
    if (!this.output.full && this.socket.isPaused()) this.socket.resume();
  }

  /** The peer sends no more. Without its window updates nothing may get through, so it counts as gone. */
  #ended(): void {
    this.#noteTorn();
    this.close();
    this.failStreams();
    // A write to TLS may never finish once the socket below has failed, so there is no wait for it.
    if (this.state === 'closing') this.settings.wheel.arm(this.timer, this.settings.limits.lingerTimeout);
  }

  protected closed(): void {
    this.#noteTorn();
    this.state = 'gone';
    this.settings.wheel.disarm(this.timer);
    this.progress.stop();
    this.failStreams();
  }

  /** The peer closed in the middle of a frame or a header block. */
  #noteTorn(): void {
    if (this.over || !(this.reader.partial || this.block.stream !== 0)) return;
    this.settings.failures.failed(`${this.#side}/truncated`, this.socket.remoteAddress ?? '');
  }

  #timedOut(): void {
    if (this.state === 'closing') cut(this.socket);
    else if (this.block.stream !== 0) this.flood('stalled_header_block');
    else this.waitedTooLong();
  }

  socketStalled(): void {
    cut(this.socket);
  }
}

/** A frame without its padding. False if the padding is longer than the frame (section 6.1). */
function unpad(frame: Frame): boolean {
  if (!frame.has(FLAG.padded)) return true;
  if (frame.length === 0) return false;
  const padding = frame.buffer[frame.start] as number;
  frame.start++;
  frame.end -= padding;
  return frame.start <= frame.end;
}
