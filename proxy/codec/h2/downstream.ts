// A downstream HTTP/2 connection: frames > exchanges, any number at a time, and answers > frames.
//
//   preface ──client preface and SETTINGS──> open ──GOAWAY said, last stream over──> closing ──> gone
//                │ anything else              │ connection error                       ^
//                └────────────────────────────┴────────────GOAWAY with its code────────┘
//
// An end without an error is said twice (RFC 9113 section 6.8): first that no more streams are wanted, with a PING behind it;
// when its answer is here, so is all that was sent before the peer knew, and the second GOAWAY names the last stream.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { DownstreamConnection } from '../../exchange/exchange.ts';
import type { DownstreamEvents } from '../../exchange/stream.ts';
import { cut } from '../h1/cut.ts';
import { HpackDecoder } from '../hpack/decoder.ts';
import { FloodGuard } from './floods.ts';
import type { FloodReason } from './floods.ts';
import { FrameReader } from './frame-reader.ts';
import type { FrameSink } from './frame-reader.ts';
import { CODE, DEFAULT_WINDOW, FLAG, FRAME, MAX_STREAM_ID, MAX_WINDOW, PREFACE, readUint31 } from './frames.ts';
import type { Frame } from './frames.ts';
import { HeadWriter } from './head-writer.ts';
import { HeaderBlock } from './header-block.ts';
import { H2Output } from './output.ts';
import { Progress } from './progress.ts';
import type { ProgressOwner } from './progress.ts';
import { ReceiveWindow } from './receive-window.ts';
import { takeRequestHead, takeTrailers } from './request-head.ts';
import { connectionWindow, PeerSettings, serverPreface, SETTINGS_ACK, streamWindow } from './settings.ts';
import type { H2Settings } from './settings.ts';
import { H2Stream } from './stream.ts';
import type { StreamOwner } from './stream.ts';
import { StreamTable } from './stream-table.ts';

type State = 'preface' | 'open' | 'closing' | 'gone';
/** How much of our goodbye is said. */
type Goodbye = 'none' | 'noticed' | 'final';

/** Identifies the PING behind a first GOAWAY. */
const NOTICE = Buffer.from('last one', 'latin1');
/** How long the answer to it may take before the goodbye is final all the same. */
const NOTICE_MS = 1_000;
/** How long a peer that was told everything may take to close its side. */
const LINGER_MS = 2_000;

/** Header lists as they are decoded. One per worker: what is taken from it is taken at once. */
const list: string[] = [];

export class H2Downstream implements FrameSink, StreamOwner, ProgressOwner {
  readonly events: DownstreamEvents;
  readonly output: H2Output;
  readonly heads: HeadWriter;
  readonly maxRequestBodyBytes: number;
  readonly streamWindow: number;
  sendWindow = DEFAULT_WINDOW;
  readonly #socket: net.Socket;
  readonly #connection: DownstreamConnection;
  readonly #settings: H2Settings;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder;
  readonly #guard: FloodGuard;
  readonly #peer = new PeerSettings();
  readonly #block = new HeaderBlock();
  readonly #streams = new StreamTable();
  readonly #window: ReceiveWindow;
  readonly #progress: Progress;
  /** Runs while there is nothing to do: between streams, within a header block, and at the end. */
  readonly #timer: Timer;
  #state: State = 'preface';
  #goodbye: Goodbye = 'none';
  /** Say goodbye with the first request. */
  #retired = false;
  #prefaceSeen = 0;
  #settingsSeen = false;
  #requests = 0;
  #lastStream = 0;

  constructor(socket: net.Socket, connection: DownstreamConnection, events: DownstreamEvents, settings: H2Settings) {
    const { limits, wheel } = settings;
    this.events = events;
    this.output = new H2Output(socket, limits.maxBufferedBytes);
    this.heads = new HeadWriter(this.output);
    this.maxRequestBodyBytes = limits.maxRequestBodyBytes;
    this.streamWindow = streamWindow(limits);
    this.#socket = socket;
    this.#connection = connection;
    this.#settings = settings;
    this.#reader = new FrameReader(this);
    this.#decoder = new HpackDecoder({ tableSize: 4_096, maxListSize: limits.maxHeadBytes, maxHeaders: limits.maxHeaders });
    this.#guard = new FloodGuard(limits);
    this.#window = new ReceiveWindow(connectionWindow(limits));
    this.#progress = new Progress(this, this.#streams, socket, wheel, limits);
    this.#timer = new Timer(() => this.#timedOut());
    wheel.arm(this.#timer, limits.downstreamIdleTimeout);
    this.output.raw(serverPreface(limits));
    socket.on('drain', () => this.#drained());
    socket.on('finish', () => this.#finished());
    socket.on('end', () => this.#ended());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  get tick(): number {
    return this.#progress.tick;
  }

  /** No exchange is in flight. */
  get idle(): boolean {
    return this.#streams.size === 0;
  }

  /** Lets the peer open no more streams; one that has not asked for anything yet is told with its first request. */
  retire(): void {
    if (this.#requests === 0) this.#retired = true;
    else if (this.#goodbye === 'none') this.#notice();
  }

  /** Finishes what is in flight and closes. */
  drain(): void {
    if (this.#state === 'preface') return this.#close();
    if (this.#state !== 'open') return;
    if (this.#goodbye === 'none') this.#notice();
    if (this.#goodbye === 'final') return this.#closeIfOver();
    // Streams or none, this is how long the peer may take to answer.
    this.#settings.wheel.arm(this.#timer, NOTICE_MS);
  }

  // Reading

  /** Takes bytes as they come. The chunk is valid during the call only. */
  data(chunk: Buffer): void {
    if (this.#state === 'closing' || this.#state === 'gone') return;
    const position = this.#prefaceSeen < PREFACE.length ? this.#readPreface(chunk) : 0;
    if (position < 0) return this.#fail(CODE.protocolError);
    this.#reader.read(chunk, position);
    if (this.output.full) this.#socket.pause();
  }

  /** Compares what there is of the preface and returns where frames begin, -1 for another protocol. */
  #readPreface(chunk: Buffer): number {
    const octets = Math.min(chunk.length, PREFACE.length - this.#prefaceSeen);
    if (PREFACE.compare(chunk, 0, octets, this.#prefaceSeen, this.#prefaceSeen + octets) !== 0) return -1;
    this.#prefaceSeen += octets;
    return octets;
  }

  frameTooLarge(): void {
    this.#fail(CODE.frameSizeError);
  }

  frame(frame: Frame): boolean {
    const { type } = frame;
    if (this.#block.stream !== 0 && type !== FRAME.continuation) this.#fail(CODE.protocolError);
    else if (!this.#settingsSeen && type !== FRAME.settings) this.#fail(CODE.protocolError);
    else this.#dispatch(frame);
    return this.#state === 'open' || this.#state === 'preface';
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
        return this.#fail(CODE.protocolError);
      default:
        this.#mayControl('unknown_frame');
    }
  }

  // Header blocks

  #takeHeaders(frame: Frame): void {
    if ((frame.stream & 1) === 0) return this.#fail(CODE.protocolError);
    if (!unpad(frame)) return this.#fail(CODE.protocolError);
    const ended = frame.has(FLAG.endStream);
    let selfDependent = false;
    if (frame.has(FLAG.priority)) {
      if (frame.length < 5) return this.#fail(CODE.frameSizeError);
      selfDependent = readUint31(frame.buffer, frame.start) === frame.stream;
      frame.start += 5;
    }
    this.#block.begin(frame.stream, ended, selfDependent);
    if (frame.has(FLAG.endHeaders)) return this.#takeBlock(frame.buffer, frame.start, frame.end);
    this.#settings.wheel.arm(this.#timer, this.#settings.limits.requestHeadTimeout);
    this.#gather(frame);
  }

  #takeContinuation(frame: Frame): void {
    if (this.#block.stream === 0 || frame.stream !== this.#block.stream) return this.#fail(CODE.protocolError);
    if (!this.#mayControl('continuation') || !this.#gather(frame) || !frame.has(FLAG.endHeaders)) return;
    this.#armTimer();
    const block = this.#block.take();
    this.#block.stream = frame.stream;
    this.#takeBlock(block, 0, block.length);
  }

  /** Arms the timer for what the connection waits for between header blocks. */
  #armTimer(): void {
    const { wheel, limits } = this.#settings;
    if (this.#goodbye === 'noticed') wheel.arm(this.#timer, NOTICE_MS);
    else if (this.#streams.size === 0) wheel.arm(this.#timer, limits.downstreamIdleTimeout);
    else wheel.disarm(this.#timer);
  }

  /** A block twice as large as its list may be cannot be worth decoding, and not decoding it is the end of the connection. */
  #gather(frame: Frame): boolean {
    if (this.#block.length + frame.length > this.#settings.limits.maxHeadBytes * 2) return this.#flood('header_block');
    this.#block.push(frame.buffer, frame.start, frame.end);
    return true;
  }

  #takeBlock(buffer: Buffer, start: number, end: number): void {
    const { stream: id, ended, selfDependent } = this.#block;
    this.#block.stream = 0;
    list.length = 0;
    const outcome = this.#decoder.decode(buffer, start, end, list);
    if (outcome === 'invalid') return this.#fail(CODE.compressionError);
    const stream = this.#streams.get(id);
    if (stream !== undefined) return this.#takeTrailers(stream, ended, outcome === 'ok');
    if (id <= this.#lastStream) {
      if (!this.#streams.wasReset(id)) this.#fail(CODE.streamClosed);
      return;
    }
    this.#lastStream = id;
    if (selfDependent) return this.#refuse(id, CODE.protocolError);
    if (this.#goodbye === 'final' || this.#streams.size >= this.#settings.limits.maxStreamsPerConnection)
      return this.#refuse(id, CODE.refusedStream);
    this.#open(id, ended, outcome === 'tooLarge');
  }

  #takeTrailers(stream: H2Stream, ended: boolean, whole: boolean): void {
    if (!stream.requestOpen) return this.reset(stream, CODE.streamClosed);
    const trailers = ended && whole ? takeTrailers(list) : null;
    if (trailers === null) return this.reset(stream, CODE.protocolError);
    stream.requestEnd(trailers.length === 0 ? null : trailers);
  }

  #open(id: number, ended: boolean, tooLarge: boolean): void {
    const stream = new H2Stream(id, this, this.#connection, this.#peer.initialWindow);
    const { exchange } = stream;
    stream.requestOpen = !ended;
    const malformed = tooLarge ? ERRORS.requestHeadTooLarge : takeRequestHead(list, ended, exchange, this.#settings);
    const error = malformed ?? this.#tooMuch(exchange.requestLength);
    if (error !== null) return this.#refuseRequest(stream, error);
    this.#enter(stream);
    stream.expectBody();
    this.events.requestHead(exchange);
    if (exchange.requestLength === 0 && !stream.answerDone) this.events.requestEnd(exchange, null);
  }

  #enter(stream: H2Stream): void {
    const { wheel, limits } = this.#settings;
    this.#streams.add(stream);
    if (this.#streams.size === 1 && this.#goodbye !== 'noticed') wheel.disarm(this.#timer);
    this.#progress.start();
    this.#requests++;
    const last = limits.maxRequestsPerConnection > 0 && this.#requests >= limits.maxRequestsPerConnection;
    if ((this.#retired || last) && this.#goodbye === 'none') this.#notice();
  }

  #tooMuch(octets: number): ExchangeError | null {
    return this.maxRequestBodyBytes > 0 && octets > this.maxRequestBodyBytes ? ERRORS.requestBodyTooLarge : null;
  }

  /** Section 8.1.1: a malformed request may be answered before its stream is reset. */
  #refuseRequest(stream: H2Stream, error: ExchangeError): void {
    if (!this.#mayReset('provoked_reset')) return;
    if (error === ERRORS.requestMalformed) stream.resetCode = CODE.protocolError;
    this.#enter(stream);
    this.events.requestRefused(stream.exchange, error);
  }

  /** Resets a stream that never was. */
  #refuse(id: number, code: number): void {
    if (this.#mayReset('provoked_reset')) this.#sendReset(id, code);
  }

  // Bodies

  #takeData(frame: Frame): void {
    const octets = frame.length;
    if (frame.stream === 0 || !unpad(frame)) return this.#fail(CODE.protocolError);
    if (!this.#window.take(octets)) return this.#fail(CODE.flowControlError);
    if (frame.length === 0 && !frame.has(FLAG.endStream) && !this.#mayControl('empty_data')) return;
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) this.#takeStrayData(frame.stream, octets);
    else this.#takeStreamData(stream, frame, octets);
  }

  /** `octets`: with padding, as windows count. */
  #takeStreamData(stream: H2Stream, frame: Frame, octets: number): void {
    if (!stream.requestOpen || !stream.window.take(octets)) {
      this.credit(octets);
      return this.reset(stream, stream.requestOpen ? CODE.flowControlError : CODE.streamClosed);
    }
    if (octets > frame.length) stream.consume(octets - frame.length);
    if (frame.length > 0) stream.data(frame.buffer, frame.start, frame.end);
    if (frame.has(FLAG.endStream) && !stream.closed) stream.requestEnd(null);
  }

  #takeStrayData(id: number, octets: number): void {
    if (id > this.#lastStream || (id & 1) === 0) return this.#fail(CODE.protocolError);
    if (!this.#streams.wasReset(id)) return this.#fail(CODE.streamClosed);
    this.credit(octets);
  }

  credit(octets: number): void {
    const increment = this.#window.give(octets);
    if (increment > 0 && this.#state === 'open') this.output.number(FRAME.windowUpdate, 0, increment);
  }

  // Control frames

  /** Section 6.9. */
  #takeWindowUpdate(frame: Frame): void {
    if (frame.length !== 4) return this.#fail(CODE.frameSizeError);
    if (!this.#mayControl('window_update')) return;
    const increment = readUint31(frame.buffer, frame.start);
    if (frame.stream === 0) return this.#widen(increment);
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) {
      if (frame.stream > this.#lastStream) this.#fail(CODE.protocolError);
      return;
    }
    if (increment === 0) return this.reset(stream, CODE.protocolError);
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) return this.reset(stream, CODE.flowControlError);
    if (this.#streams.isBlocked(stream)) this.#pump();
  }

  #widen(increment: number): void {
    this.sendWindow += increment;
    if (increment === 0) this.#fail(CODE.protocolError);
    else if (this.sendWindow > MAX_WINDOW) this.#fail(CODE.flowControlError);
    else this.#pump();
  }

  #takeReset(frame: Frame): void {
    if (frame.stream === 0 || frame.stream > this.#lastStream) return this.#fail(CODE.protocolError);
    if (frame.length !== 4) return this.#fail(CODE.frameSizeError);
    const stream = this.#streams.get(frame.stream);
    if (stream === undefined) return void this.#mayControl('reset');
    if (!stream.answerDone && !this.#mayReset('reset')) return;
    this.#leave(stream);
    this.events.downstreamFailed(stream.exchange, ERRORS.downstreamReset);
  }

  #takeSettings(frame: Frame): void {
    if (frame.stream !== 0) return this.#fail(CODE.protocolError);
    this.#settingsSeen = true;
    if (this.#state === 'preface') this.#state = 'open';
    if (frame.has(FLAG.ack)) return frame.length === 0 ? undefined : this.#fail(CODE.frameSizeError);
    if (!this.#mayControl('settings')) return;
    const window = this.#peer.initialWindow;
    const error = this.#peer.take(frame);
    if (error !== CODE.noError) return this.#fail(error);
    this.output.raw(SETTINGS_ACK);
    this.heads.setTableSize(this.#peer.headerTableSize);
    if (this.#peer.initialWindow !== window) this.#shiftWindows(this.#peer.initialWindow - window);
  }

  /** Section 6.9.2: windows of streams move with the size they begin with, below 0 if need be. */
  #shiftWindows(difference: number): void {
    for (const stream of this.#streams.snapshot()) {
      stream.sendWindow += difference;
      if (stream.sendWindow > MAX_WINDOW) return this.#fail(CODE.flowControlError);
    }
    if (difference > 0) this.#pump();
  }

  #takePing(frame: Frame): void {
    if (frame.stream !== 0) return this.#fail(CODE.protocolError);
    if (frame.length !== 8) return this.#fail(CODE.frameSizeError);
    if (frame.has(FLAG.ack)) {
      if (this.#goodbye === 'noticed' && NOTICE.compare(frame.buffer, frame.start, frame.end) === 0) this.#finalGoodbye();
      else this.#mayControl('ping');
      return;
    }
    if (this.#mayControl('ping')) this.#ping(FLAG.ack, frame.buffer.subarray(frame.start, frame.end));
  }

  #ping(flags: number, payload: Buffer): void {
    const start = this.output.begin(FRAME.ping, flags, 0, payload.length);
    this.output.block.set(payload, start);
  }

  /** Ignored, as RFC 9113 allows, once it is well-formed. */
  #takePriority(frame: Frame): void {
    if (frame.stream === 0) return this.#fail(CODE.protocolError);
    if (!this.#mayControl('priority')) return;
    const stream = this.#streams.get(frame.stream);
    const wrongSize = frame.length !== 5;
    if (!wrongSize && readUint31(frame.buffer, frame.start) !== frame.stream) return;
    const code = wrongSize ? CODE.frameSizeError : CODE.protocolError;
    if (stream === undefined) this.#fail(code);
    else this.reset(stream, code);
  }

  /** The peer wants no more of this connection. */
  #takeGoaway(frame: Frame): void {
    if (frame.stream !== 0) return this.#fail(CODE.protocolError);
    if (frame.length < 8) return this.#fail(CODE.frameSizeError);
    if (!this.#mayControl('unknown_frame')) return;
    this.#finalGoodbye();
  }

  // Floods

  #mayControl(reason: FloodReason): boolean {
    return this.#guard.control() || this.#flood(reason);
  }

  #mayReset(reason: FloodReason): boolean {
    return this.#guard.reset() || this.#flood(reason);
  }

  #flood(reason: FloodReason): false {
    this.#settings.floods.count(reason);
    this.#fail(CODE.enhanceYourCalm);
    return false;
  }

  answered(): void {
    this.#guard.answered();
  }

  // Streams: their turns, and their end

  blocked(stream: H2Stream): void {
    if (this.#streams.block(stream)) stream.sentAt = this.tick;
  }

  #pump(): void {
    this.#streams.takeTurns(this.#stopped);
  }

  readonly #stopped = (stream: H2Stream): 'all' | 'this' | 'no' => {
    if (this.output.full) return 'all';
    return stream.waiting && (stream.sendWindow <= 0 || this.sendWindow <= 0) ? 'this' : 'no';
  };

  closed(stream: H2Stream): void {
    if (stream.resetCode !== CODE.noError || stream.requestOpen) this.#sendReset(stream.id, stream.resetCode);
    this.#leave(stream);
  }

  reset(stream: H2Stream, code: number): void {
    if (!this.#mayReset('provoked_reset')) return;
    this.#sendReset(stream.id, code);
    this.#leave(stream);
    this.events.downstreamFailed(stream.exchange, ERRORS.downstreamReset);
  }

  /** Resets a stream; what its peer sends before it knows is ignored. */
  #sendReset(id: number, code: number): void {
    this.output.number(FRAME.rstStream, id, code);
    this.#streams.rememberReset(id);
  }

  #leave(stream: H2Stream): void {
    stream.close();
    if (!this.#streams.delete(stream) || this.#streams.size > 0 || this.#state !== 'open') return;
    if (this.#goodbye === 'none') this.#settings.wheel.arm(this.#timer, this.#settings.limits.downstreamIdleTimeout);
    else this.#closeIfOver();
  }

  // The end

  /** The first GOAWAY: streams that are on their way are still taken. */
  #notice(): void {
    this.#goodbye = 'noticed';
    this.#goaway(MAX_STREAM_ID, CODE.noError);
    this.#ping(0, NOTICE);
    this.#settings.wheel.arm(this.#timer, NOTICE_MS);
  }

  #finalGoodbye(): void {
    this.#settings.wheel.disarm(this.#timer);
    if (this.#goodbye !== 'final') this.#goaway(this.#lastStream, CODE.noError);
    this.#goodbye = 'final';
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#goodbye === 'final' && this.#streams.size === 0) this.#close();
  }

  #goaway(lastStream: number, code: number): void {
    const start = this.output.begin(FRAME.goaway, 0, 0, 8);
    this.output.block.writeUInt32BE(lastStream, start);
    this.output.block.writeUInt32BE(code, start + 4);
  }

  /** A connection error: nothing of this connection can be trusted any more. */
  #fail(code: number): void {
    if (this.#state === 'closing' || this.#state === 'gone') return;
    this.#goaway(this.#lastStream, code);
    this.#goodbye = 'final';
    this.#close();
    this.#failStreams();
  }

  #failStreams(): void {
    for (const stream of this.#streams.snapshot()) {
      this.#leave(stream);
      this.events.downstreamFailed(stream.exchange, ERRORS.downstreamReset);
    }
  }

  /** Says what is left to say; then the peer has a while to close. What it sends is read and dropped, lest a reset overtakes us. */
  #close(): void {
    if (this.#state === 'closing' || this.#state === 'gone') return;
    this.#state = 'closing';
    this.output.flush();
    this.#socket.end();
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#socket.writableFinished) this.#finished();
    else this.#settings.wheel.arm(this.#timer, this.#settings.limits.downstreamWriteTimeout);
  }

  // What happens to the socket

  #finished(): void {
    if (this.#state === 'closing') this.#settings.wheel.arm(this.#timer, LINGER_MS);
  }

  #drained(): void {
    if (this.#state !== 'open') return;
    this.#pump();
    if (!this.output.full && this.#socket.isPaused()) this.#socket.resume();
  }

  /** The peer sends no more. Without its window updates no answer is sure to get through: it has left. */
  #ended(): void {
    this.#close();
    this.#failStreams();
  }

  #closed(): void {
    this.#state = 'gone';
    this.#settings.wheel.disarm(this.#timer);
    this.#progress.stop();
    this.#failStreams();
  }

  #timedOut(): void {
    if (this.#state === 'closing') cut(this.#socket);
    else if (this.#block.stream !== 0) this.#flood('stalled_header_block');
    else if (this.#goodbye === 'noticed') this.#finalGoodbye();
    else this.drain();
  }

  requestStalled({ exchange }: H2Stream): void {
    this.events.requestFailed(exchange, ERRORS.requestBodyTimeout);
  }

  /** A window that the peer does not open holds memory and an upstream. */
  answerStalled(stream: H2Stream): void {
    this.#settings.floods.count('stalled_window');
    this.reset(stream, CODE.cancel);
  }

  socketStalled(): void {
    cut(this.#socket);
  }
}

/** A frame without its padding. False when there is more padding than frame (section 6.1). */
function unpad(frame: Frame): boolean {
  if (!frame.has(FLAG.padded)) return true;
  if (frame.length === 0) return false;
  const padding = frame.buffer[frame.start] as number;
  frame.start++;
  frame.end -= padding;
  return frame.start <= frame.end;
}
