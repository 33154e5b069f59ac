// A downstream HTTP/2 connection: frames > exchanges, any number at a time, and answers > frames.
//
//   preface ──client preface and SETTINGS──> open ──GOAWAY said, last stream over──> closing ──> gone
//                │ anything else              │ connection error                       ^
//                └────────────────────────────┴────────────GOAWAY with its code────────┘
//
// An end without an error takes two GOAWAYs (RFC 9113 section 6.8). The first announces that no more streams are accepted, and a PING
// follows it. When the PING is answered, all earlier frames of the peer have arrived, and the second GOAWAY has the last stream.
import type net from 'node:net';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import { isEndless, type DownstreamConnection } from '../../exchange/exchange.ts';
import type { Limits } from '../../exchange/limits.ts';
import type { DownstreamEvents } from '../../exchange/stream.ts';
import { cut } from '../h1/cut.ts';
import type { DecodeOutcome } from '../hpack/decoder.ts';
import { H2Connection } from './connection.ts';
import { H2DownstreamStream } from './downstream-stream.ts';
import type { DownstreamStreamOwner } from './downstream-stream.ts';
import { CODE, MAX_STREAM_ID, PREFACE } from './frames.ts';
import { Liveness, PROBE } from './liveness.ts';
import { takeRequestHead } from './request-head.ts';
import { connectionWindow, serverPreface, streamWindow } from './settings.ts';
import type { H2Settings } from './settings.ts';
import { takeTrailers } from './trailers.ts';

/** The state of the two GOAWAYs. */
type Goodbye = 'none' | 'noticed' | 'final';

/** The content of the PING after the first GOAWAY. */
const NOTICE = Buffer.from('last one', 'latin1');
/** The maximum wait for its answer before the second GOAWAY. */
const NOTICE_MS = 1_000;

/**
 * Resets of streams that lived this long do not count as a flood: they occupied a place of their client, and deadlines of calls end many.
 */
const YOUNG_MS = 1_000;

export class H2Downstream extends H2Connection<H2DownstreamStream> implements DownstreamStreamOwner {
  readonly events: DownstreamEvents;
  readonly connection: DownstreamConnection;
  readonly limits: Limits;
  readonly #heads: H2Settings;
  #goodbye: Goodbye = 'none';
  /** Send a GOAWAY with the first request. */
  #retired = false;
  #prefaceSeen = 0;
  #requests = 0;
  #lastStream = 0;
  readonly #liveness: Liveness;

  constructor(socket: net.Socket, connection: DownstreamConnection, events: DownstreamEvents, settings: H2Settings) {
    const { limits, wheel } = settings;
    super(socket, settings, {
      side: 'downstream',
      preface: serverPreface(limits),
      connectionWindow: connectionWindow(limits),
      streamWindow: streamWindow(limits),
      maxListSize: limits.maxHeadBytes,
      patience: { inbound: limits.requestBodyIdleTimeout, outbound: limits.downstreamWriteTimeout, silence: limits.tunnelIdleTimeout },
    });
    this.events = events;
    this.#liveness = new Liveness(wheel, limits.downstreamIdleTimeout);
    this.connection = connection;
    this.limits = limits;
    this.#heads = settings;
    wheel.arm(this.timer, limits.downstreamIdleTimeout);
  }

  /** There is no exchange. */
  get idle(): boolean {
    return this.streams.size === 0;
  }

  protected get lastTaken(): number {
    return this.#lastStream;
  }

  protected isIdle(id: number): boolean {
    return id > this.#lastStream || (id & 1) === 0;
  }

  /** Lets the peer open no more streams; a peer without a request yet learns it with its first request. */
  retire(): void {
    if (this.#requests === 0) this.#retired = true;
    else if (this.#goodbye === 'none') this.#notice();
  }

  /** Finishes pending exchanges and closes. */
  drain(): void {
    if (this.state === 'preface') return this.close();
    if (this.state !== 'open') return;
    for (const { exchange } of this.streams.snapshot()) if (isEndless(exchange)) this.events.downstreamEnding(exchange);
    if (this.#goodbye === 'none') this.#notice();
    if (this.#goodbye === 'final') return this.#closeIfOver();
    // With or without streams, the peer has this long to answer.
    this.settings.wheel.arm(this.timer, NOTICE_MS);
  }

  // Reading

  /** Takes received bytes. The chunk is valid only during the call. */
  data(chunk: Buffer): void {
    if (this.over) return;
    this.#liveness.heard();
    const position = this.#prefaceSeen < PREFACE.length ? this.#readPreface(chunk) : 0;
    if (position < 0) return this.fail(CODE.protocolError);
    this.reader.read(chunk, position);
    if (this.output.full) this.socket.pause();
  }

  /** Compares the received part of the preface; returns the start of the frames, or -1 for another protocol. */
  #readPreface(chunk: Buffer): number {
    const octets = Math.min(chunk.length, PREFACE.length - this.#prefaceSeen);
    if (PREFACE.compare(chunk, 0, octets, this.#prefaceSeen, this.#prefaceSeen + octets) !== 0) return -1;
    this.#prefaceSeen += octets;
    return octets;
  }

  protected armTimer(): void {
    const { wheel, limits } = this.settings;
    if (this.#goodbye === 'noticed') wheel.arm(this.timer, NOTICE_MS);
    else if (this.streams.size === 0) wheel.arm(this.timer, limits.downstreamIdleTimeout);
    else wheel.disarm(this.timer);
  }

  protected takeList(id: number, list: string[], outcome: DecodeOutcome): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) return this.#takeTrailers(stream, outcome === 'ok' ? list : null);
    if (id <= this.#lastStream) return this.takeStrayBlock(id);
    this.#lastStream = id;
    if (this.block.selfDependent) return this.#refuse(id, CODE.protocolError);
    if (this.#goodbye === 'final' || this.streams.size >= this.settings.limits.maxStreamsPerConnection)
      return this.#refuse(id, CODE.refusedStream);
    this.#open(id, outcome === 'ok' ? list : null);
  }

  #takeTrailers(stream: H2DownstreamStream, list: readonly string[] | null): void {
    if (!stream.inboundOpen) return this.reset(stream, CODE.streamClosed);
    const trailers = this.block.ended && list !== null ? takeTrailers(list) : null;
    if (trailers === null) return this.reset(stream, CODE.protocolError);
    stream.dataEnd(trailers.length === 0 ? null : trailers);
  }

  /** `list` null: it was too large. */
  #open(id: number, list: readonly string[] | null): void {
    const stream = new H2DownstreamStream(id, this, this.peer.initialWindow);
    const { exchange } = stream;
    const { ended } = this.block;
    stream.inboundOpen = !ended;
    exchange.secrets = this.secrets;
    const malformed = list === null ? ERRORS.requestHeadTooLarge : takeRequestHead(list, ended, exchange, this.#heads);
    const error = malformed ?? this.#tooMuch(exchange.requestLength);
    if (error !== null) return this.#refuseRequest(stream, error);
    this.#enter(stream);
    if (exchange.upgrade === '') stream.awaitBody();
    // Bytes before the backend accepts are held back.
    else stream.pause();
    stream.begin();
  }

  #enter(stream: H2DownstreamStream): void {
    const { wheel, limits } = this.settings;
    this.streams.add(stream);
    if (this.streams.size === 1 && this.#goodbye !== 'noticed') wheel.disarm(this.timer);
    this.progress.start();
    this.#requests++;
    const last = limits.maxRequestsPerConnection > 0 && this.#requests >= limits.maxRequestsPerConnection;
    if ((this.#retired || last) && this.#goodbye === 'none') this.#notice();
  }

  #tooMuch(octets: number): ExchangeError | null {
    const { maxRequestBodyBytes } = this.limits;
    return maxRequestBodyBytes > 0 && octets > maxRequestBodyBytes ? ERRORS.requestBodyTooLarge : null;
  }

  /** Section 8.1.1: a malformed request may be answered before its stream is reset. */
  #refuseRequest(stream: H2DownstreamStream, error: ExchangeError): void {
    if (!this.mayReset('provoked_reset')) return;
    if (error === ERRORS.requestMalformed) stream.resetCode = CODE.protocolError;
    this.#enter(stream);
    stream.refuse(error);
  }

  /** Resets a stream that was never accepted. */
  #refuse(id: number, code: number): void {
    if (this.mayReset('provoked_reset')) this.sendReset(id, code);
  }

  /** The connection's window limits the bytes that its streams buffer: it opens as bodies are passed on. */
  credit(octets: number): void {
    this.widenInbound(octets);
  }

  protected received(): void {}

  protected takeStreamReset(stream: H2DownstreamStream): void {
    if (!stream.answerDone && isYoung(stream) && !this.mayReset('reset')) return;
    this.leave(stream);
    this.streamFailed(stream);
  }

  protected streamFailed(stream: H2DownstreamStream): void {
    stream.lose();
  }

  protected settingsChanged(): void {}

  answered(stream: H2DownstreamStream): void {
    if (stream.resetCode !== CODE.noError || stream.inboundOpen) this.sendReset(stream.id, stream.resetCode);
    this.leave(stream);
  }

  protected left(): void {
    if (this.streams.size > 0 || this.state !== 'open') return;
    if (this.#goodbye === 'none') this.settings.wheel.arm(this.timer, this.settings.limits.downstreamIdleTimeout);
    else this.#closeIfOver();
  }

  // The end

  /** The first GOAWAY: streams that are already on their way are still accepted. */
  #notice(): void {
    this.#goodbye = 'noticed';
    this.goaway(MAX_STREAM_ID, CODE.noError);
    this.ping(0, NOTICE);
    this.settings.wheel.arm(this.timer, NOTICE_MS);
  }

  protected takePong(payload: Buffer): void {
    if (this.#goodbye === 'noticed' && NOTICE.equals(payload)) this.#finalGoodbye();
  }

  protected takeGoaway(): void {
    this.#finalGoodbye();
  }

  #finalGoodbye(): void {
    this.settings.wheel.disarm(this.timer);
    if (this.#goodbye !== 'final') this.goaway(this.#lastStream, CODE.noError);
    this.#goodbye = 'final';
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#goodbye === 'final' && this.streams.size === 0) this.close();
  }

  protected waitedTooLong(): void {
    if (this.#goodbye === 'noticed') this.#finalGoodbye();
    else this.drain();
  }

  inboundStalled(stream: H2DownstreamStream): void {
    stream.break(stream.exchange.tunnel ? ERRORS.idleTimeout : ERRORS.requestBodyTimeout);
  }

  /** A peer that opens no window occupies memory and an upstream connection. */
  outboundStalled(stream: H2DownstreamStream): void {
    this.settings.floods.count('stalled_window');
    this.reset(stream, CODE.cancel);
  }

  /** gRPC calls may be silent for long, and so is a dead peer: the connection sends a PING, and is cut without an answer. */
  looked(): number {
    if (this.output.full) this.#liveness.heard();
    const state = this.#liveness.look();
    if (state === 'doubtful') this.ping(0, PROBE);
    else if (state === 'gone') cut(this.socket);
    return this.#liveness.dueIn;
  }
}

function isYoung({ exchange }: H2DownstreamStream): boolean {
  return performance.now() - exchange.startedAt < YOUNG_MS;
}
