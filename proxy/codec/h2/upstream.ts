// An upstream HTTP/2 connection: exchanges > requests, any number at a time, and frames > answers.
//
//   connecting ──> open ──GOAWAY, numbers used up, close wanted──> retired ──last stream over──> closing ──> gone
//        │           │ connection error, silence                                                   ^
//        └───────────┴─────────────────────────────────────────────────────────────────────────────┘
//
// Requests are sent as soon as the socket is connected, before the limits of the peer are known: it refuses requests beyond them without
// reading them, and they are sent again.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import type { ConnectionTerms } from '../../exchange/connection-terms.ts';
import type { Destination, Dialler } from '../../exchange/dial.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { UpstreamEvents } from '../../exchange/stream.ts';
import { cut } from '../h1/cut.ts';
import type { UpstreamSettings } from '../h1/settings.ts';
import type { DecodeOutcome } from '../hpack/decoder.ts';
import { H2Connection } from './connection.ts';
import { keyOf } from '../websocket/accept.ts';
import { CODE, FLAG, MAX_STREAM_ID } from './frames.ts';
import { asksForTunnel } from './head-writer.ts';
import { Liveness, PROBE } from './liveness.ts';
import { clientPreface, connectionWindow, streamWindow } from './settings.ts';
import type { ConnectionSettings } from './settings.ts';
import { takeTrailers } from './trailers.ts';
import { H2UpstreamStream } from './upstream-stream.ts';
import type { UpstreamStreamOwner } from './upstream-stream.ts';

/** Gets the events of a connection: the pool. */
export interface H2UpstreamOwner {
  connected(connection: H2Upstream): void;
  /** A stream is over, or the peer allows more of them. */
  roomier(connection: H2Upstream): void;
  /** It accepts no more attempts. */
  retired(connection: H2Upstream): void;
  /** The connection has closed. `error` is set if it was never established. */
  closed(connection: H2Upstream, error: ExchangeError | null): void;
  /** It waits for answers, and nothing comes. */
  silent(connection: H2Upstream): void;
}

export class H2Upstream extends H2Connection<H2UpstreamStream> implements UpstreamStreamOwner, Dialler {
  readonly events: UpstreamEvents;
  readonly maxInformational: number;
  idleSince = 0;
  heardAt = 0;
  doubted = false;
  /** Set by the pool. */
  terms: ConnectionTerms;
  readonly #owner: H2UpstreamOwner;
  readonly #scheme: string;
  #connected = false;
  readonly #dialledAt = performance.now();
  /** The time to connect. */
  #connectMs = 0;
  /** The error if the connection is not established. */
  #failing = ERRORS.upstreamConnectFailed;
  readonly openedAt = performance.now();
  #retired = false;
  #nextStream = 1;
  /** The highest stream that the peer may have processed, by its GOAWAY. */
  #promised = MAX_STREAM_ID;
  /** The reason for the end of the connection. */
  #reason: ExchangeError = ERRORS.upstreamReset;
  readonly #liveness: Liveness;
  /** Armed while there are streams. */
  readonly #doubt = new Timer(() => this.#look());
  /** The first request since something was heard, and the silence after it until the endpoint is in doubt again. */
  #askedAt = 0;
  #doubtIn = 0;

  constructor(
    destination: Destination,
    owner: H2UpstreamOwner,
    terms: ConnectionTerms,
    { events, settings }: { readonly events: UpstreamEvents; readonly settings: UpstreamSettings & ConnectionSettings },
  ) {
    const { limits, wheel } = settings;
    let self: H2Upstream | null = null;
    const socket: net.Socket = settings.dial(destination, {
      connected: () => self?.connected(),
      failing: (error) => self?.failing(error),
      data: (chunk) => self?.data(chunk),
    });
    super(socket, settings, {
      side: 'upstream',
      preface: clientPreface(limits),
      connectionWindow: connectionWindow(limits),
      streamWindow: streamWindow(limits),
      maxListSize: limits.maxResponseHeadBytes,
      patience: { inbound: limits.upstreamIdleTimeout, outbound: limits.upstreamIdleTimeout, silence: limits.tunnelIdleTimeout },
    });
    self = this;
    this.terms = terms;
    this.events = events;
    this.#liveness = new Liveness(wheel, limits.upstreamIdleTimeout);
    this.maxInformational = limits.maxInformational;
    this.#owner = owner;
    this.#scheme = destination.transport.tls === null ? 'http' : 'https';
    wheel.arm(this.timer, terms.connectTimeout);
  }

  failing(error: ExchangeError): void {
    this.#failing = error;
  }

  connected(): void {
    this.settings.wheel.disarm(this.timer);
    this.#connected = true;
    this.heardAt = this.settings.wheel.now;
    this.#connectMs = performance.now() - this.#dialledAt;
    this.#owner.connected(this);
  }

  // Requests

  /** Streams that may still be opened, if there may be so many. */
  room(maxStreams: number): number {
    if (!this.#connected || this.#retired || this.doubted || this.over) return 0;
    return Math.min(maxStreams, this.peer.maxStreams) - this.streams.size;
  }

  get carried(): number {
    return (this.#nextStream - 1) / 2;
  }

  get idle(): boolean {
    return this.streams.size === 0;
  }

  /** Whether the request can be sent: the peer must allow tunnels before the first one (RFC 8441 section 3). */
  ready(attempt: Attempt): boolean {
    return this.peer.known || !asksForTunnel(attempt.exchange);
  }

  /** Sends the head of the request, which takes a place: there must be room. */
  send(attempt: Attempt): void {
    const { exchange } = attempt;
    const refusal = asksForTunnel(exchange) ? this.#refusal(exchange) : null;
    if (refusal !== null) return this.events.upstreamFailed(attempt, refusal);
    const id = this.#nextStream;
    this.#nextStream += 2;
    const stream = new H2UpstreamStream(id, this, this.peer.initialWindow, attempt);
    attempt.stream = stream;
    attempt.reused = id > 1;
    if (!attempt.reused) attempt.connectMs = this.#connectMs;
    if (this.streams.size === 0) this.#liveness.heard();
    this.#asked();
    this.streams.add(stream);
    this.progress.start();
    stream.headSent(this.heads.request(id, attempt, this.#scheme, stream.outboundDone ? FLAG.endStream : 0));
    if (this.#nextStream > MAX_STREAM_ID) this.#retire();
  }

  /** A request is sent: an answer is due. */
  #asked(): void {
    const { wheel, limits } = this.settings;
    if (this.#askedAt <= this.heardAt) {
      this.#askedAt = wheel.now;
      this.#doubtIn = limits.doubtTimeout;
    }
    if (!this.#doubt.armed) wheel.arm(this.#doubt, limits.doubtTimeout);
  }

  /** Tells the owner of silence after a request, each time after twice as long. */
  #look(): void {
    if (this.over || this.streams.size === 0) return;
    const { wheel, limits } = this.settings;
    if (this.#askedAt < this.heardAt) return wheel.arm(this.#doubt, limits.doubtTimeout);
    const silence = wheel.now - this.#askedAt;
    const isDue = silence >= this.#doubtIn;
    if (isDue) this.#doubtIn = 2 * silence;
    wheel.arm(this.#doubt, this.#doubtIn - silence);
    if (isDue) this.#owner.silent(this);
  }

  letMove(mayMove: (attempt: Attempt) => boolean): void {
    for (const stream of this.streams.snapshot()) {
      const attempt = stream.headRead ? null : stream.attempt;
      if (attempt === null || !mayMove(attempt)) continue;
      // The connection is not to blame: another attempt on it would fare no better.
      attempt.reused = false;
      stream.fail(ERRORS.upstreamVanished, CODE.cancel);
    }
  }

  /** The reason why a tunnel cannot be opened. */
  #refusal({ version, requestHeaders }: Exchange): ExchangeError | null {
    if (!this.peer.extendedConnect) return ERRORS.upstreamCannotUpgrade;
    return version < 20 && keyOf(requestHeaders) === null ? ERRORS.requestMalformed : null;
  }

  /** Accepts no more attempts and closes after the last. */
  retire(): void {
    this.#retired = true;
    if (this.streams.size === 0) this.#closeWith(ERRORS.upstreamReset);
  }

  #retire(): void {
    if (this.#retired) return;
    this.retire();
    this.#owner.retired(this);
  }

  // Answers

  data(chunk: Buffer): void {
    if (this.over) return;
    this.#liveness.heard();
    this.heardAt = this.settings.wheel.now;
    if (this.doubted) this.#trusted();
    this.reader.read(chunk, 0);
  }

  #trusted(): void {
    this.doubted = false;
    this.#owner.roomier(this);
  }

  protected get lastTaken(): number {
    return 0;
  }

  protected isIdle(id: number): boolean {
    return id >= this.#nextStream || (id & 1) === 0;
  }

  protected takeList(id: number, list: string[], outcome: DecodeOutcome): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return this.takeStrayBlock(id);
    if (!stream.inboundOpen) return this.reset(stream, CODE.streamClosed);
    if (outcome === 'tooLarge') return stream.fail(ERRORS.upstreamHeadTooLarge, CODE.cancel);
    if (!stream.headRead) return stream.takeHead(list, this.block.ended);
    const trailers = this.block.ended ? takeTrailers(list) : null;
    if (trailers === null) return stream.fail(ERRORS.upstreamMalformed, CODE.protocolError);
    stream.dataEnd(trailers.length === 0 ? null : trailers);
  }

  /**
   * The connection's window opens with the received bytes, regardless of their receiver: many clients share the connection, and one that
   * does not read must not block the others. The windows of the streams limit the memory.
   */
  protected received(octets: number): void {
    this.widenInbound(octets);
  }

  credit(): void {}

  protected takeStreamReset(stream: H2UpstreamStream, code: number): void {
    // Section 8.1: an answer may be complete before its request; then the rest of the request is not needed.
    if (stream.complete) return stream.stopSending();
    this.leave(stream);
    stream.resetBy(code);
    if (code === CODE.refusedStream) stream.failed(ERRORS.upstreamRefused);
    else this.streamFailed(stream);
  }

  protected streamFailed(stream: H2UpstreamStream): void {
    stream.failed(stream.headRead ? ERRORS.upstreamBodyTruncated : this.#reason);
  }

  /** A complete answer is passed on even if the connection failed. */
  protected override failStreams(): void {
    for (const stream of this.streams.snapshot()) {
      if (stream.complete) continue;
      this.leave(stream);
      this.streamFailed(stream);
    }
  }

  ended(stream: H2UpstreamStream): void {
    if (stream.resetCode !== CODE.noError) this.sendReset(stream.id, stream.resetCode);
    this.leave(stream);
  }

  protected left(): void {
    if (this.over) return;
    if (!this.#retired) this.#owner.roomier(this);
    else if (this.streams.size === 0) this.#closeWith(ERRORS.upstreamReset);
  }

  protected settingsChanged(): void {
    if (this.room(Infinity) > 0) this.#owner.roomier(this);
  }

  // The end

  /** Section 6.8: the peer did not process streams above the last. */
  protected takeGoaway(lastStream: number): void {
    this.#promised = Math.min(this.#promised, lastStream);
    this.#retire();
    for (const stream of this.streams.snapshot()) {
      if (stream.id <= this.#promised) continue;
      this.leave(stream);
      stream.failed(ERRORS.upstreamRefused);
    }
  }

  #closeWith(reason: ExchangeError): void {
    this.#reason = reason;
    this.close();
  }

  protected override fail(code: number): void {
    if (!this.over) this.#reason = ERRORS.upstreamMalformed;
    super.fail(code);
  }

  protected override close(): void {
    if (this.over) return;
    super.close();
    this.#report(null);
  }

  /** Informs the owner at once: no attempt may get the connection before the event of the socket. */
  #report(error: ExchangeError | null): void {
    this.#retired = true;
    this.settings.wheel.disarm(this.#doubt);
    this.#owner.closed(this, error);
  }

  protected override closed(): void {
    const told = this.over;
    super.closed();
    if (!told) this.#report(this.#connected ? null : this.#failing);
  }

  protected armTimer(): void {
    this.settings.wheel.disarm(this.timer);
  }

  protected waitedTooLong(): void {
    this.state = 'gone';
    this.socket.destroy();
    this.#report(ERRORS.upstreamConnectTimeout);
  }

  protected takePong(): void {}

  inboundStalled(stream: H2UpstreamStream): void {
    stream.fail(ERRORS.upstreamTimeout, CODE.cancel);
  }

  outboundStalled(stream: H2UpstreamStream): void {
    stream.fail(ERRORS.upstreamTimeout, CODE.cancel);
  }

  /** Streams may be silent for long, and so is a dead peer: the connection sends a PING, and is cut without an answer. */
  looked(): number {
    const state = this.#liveness.look();
    if (state === 'doubtful') this.ping(0, PROBE);
    if (state === 'gone') {
      this.#reason = ERRORS.upstreamTimeout;
      cut(this.socket);
    }
    return this.#liveness.dueIn;
  }
}
