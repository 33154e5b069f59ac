// The flow of bodies in an exchange, in both directions: collected before the first attempt, kept for another one, copied, forwarded to a
// peer that may be full, or raw bytes in a tunnel.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { Bandwidth } from './exchange/bandwidth.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { BodyStage } from './exchange/body-stage.ts';
import type { Exchange } from './exchange/exchange.ts';
import { removeHeader } from './exchange/headers.ts';
import type { Headers } from './exchange/headers.ts';
import type { Limits } from './exchange/limits.ts';
import type { BandwidthPlan, RoutePlan } from './exchange/plan.ts';
import { StagedBody } from './exchange/staged-body.ts';
import type { BodyEnds, BodyPart } from './exchange/staged-body.ts';
import { copyData, copyEnd } from './upstream/copies.ts';
import type { Gathering } from './upstream/gathering.ts';
import { keepForReplay, startReplay } from './upstream/replay.ts';
import { Shaping } from './upstream/shaping.ts';
import type { Tunnels } from './upstream/tunnels.ts';

/** A request without a body. */
const NO_BODY: BodyPart = { bytes: Buffer.alloc(0), isWhole: true, trailers: null };

export interface BodiesOptions {
  readonly gathering: Gathering;
  readonly tunnels: Tunnels;
  readonly wheel: TimerWheel;
  readonly limits: Pick<Limits, 'maxReplayBytes'>;
  /** Of the proxy, which share the limits of rules; 1 by default. */
  readonly workers?: number | undefined;
  /** The body has enough bytes for an attempt. */
  readonly gathered: (exchange: Exchange) => void;
  /** A stage refuses the body of the request. */
  readonly refused: (exchange: Exchange, error: ExchangeError) => void;
  /** A stage has a bug. */
  readonly failed: (exchange: Exchange, bug: unknown) => void;
  /** Both directions of a tunnel have ended. */
  readonly tunnelEnded: (exchange: Exchange) => void;
}

export class Bodies {
  readonly #gathering: Gathering;
  readonly #tunnels: Tunnels;
  readonly #wheel: TimerWheel;
  readonly #bandwidth: Bandwidth;
  readonly #maxReplayBytes: number;
  readonly #gathered: (exchange: Exchange) => void;
  readonly #refused: BodiesOptions['refused'];
  readonly #failed: BodiesOptions['failed'];
  readonly #tunnelEnded: (exchange: Exchange) => void;

  constructor({ gathering, tunnels, wheel, limits, workers, gathered, refused, failed, tunnelEnded }: BodiesOptions) {
    this.#bandwidth = new Bandwidth(workers);
    this.#gathering = gathering;
    this.#tunnels = tunnels;
    this.#wheel = wheel;
    this.#maxReplayBytes = limits.maxReplayBytes;
    this.#gathered = gathered;
    this.#refused = refused;
    this.#failed = failed;
    this.#tunnelEnded = tunnelEnded;
  }

  /** The exchange is ready to be sent. Whether to collect its body first: `gathered` is then called when enough arrived. */
  begin(exchange: Exchange): boolean {
    const { bandwidth } = exchange.route as RoutePlan;
    if (bandwidth !== null && !exchange.shadow) this.#shape(exchange, bandwidth);
    if (exchange.requestLength !== 0 && exchange.replay === null) startReplay(exchange, this.#maxReplayBytes);
    const gathers = this.#gathering.begin(exchange);
    if (exchange.shaping !== null && exchange.requestLength !== 0) exchange.shaping.request.begin();
    if (gathers && exchange.stagedRequest !== null) exchange.stagedRequest.open();
    return gathers;
  }

  /** The body of the request passes a stage from here on, also what has arrived. */
  stage(exchange: Exchange, stage: BodyStage): void {
    this.#staged(exchange).add(stage);
  }

  /** The body of the request up to a limit, for a filter; null if the exchange ends before. The backend gets all of it as usual. */
  gather(exchange: Exchange, maxBytes: number): Promise<BodyPart | null> {
    if (exchange.requestLength === 0 || exchange.upgrade !== '') return Promise.resolve(NO_BODY);
    if (exchange.phase === 'done') return Promise.resolve(null);
    const staged = this.#staged(exchange);
    if (exchange.expectsContinue) sendContinue(exchange);
    return staged.gather(maxBytes);
  }

  /** The body of the request flows through a stage at once, before the head goes on. */
  passThrough(exchange: Exchange, stage: BodyStage): void {
    const staged = this.#staged(exchange);
    if (exchange.expectsContinue) sendContinue(exchange);
    staged.flow(stage);
  }

  /** The whole body; null if it is larger than the limit, or if the exchange ends before. */
  whole(exchange: Exchange, maxBytes: number): Promise<Buffer | null> {
    if (exchange.requestLength > maxBytes && exchange.upgrade === '') return Promise.resolve(null);
    return this.gather(exchange, maxBytes).then((part) => (part?.isWhole === true ? part.bytes : null));
  }

  #staged(exchange: Exchange): StagedBody {
    if (exchange.stagedRequest !== null) return exchange.stagedRequest;
    const staged = (exchange.stagedRequest = new StagedBody(new RequestEnds(exchange, this, this.#failed)));
    if (!exchange.requestEnded) return staged;
    // A request without a body has ended while another filter waited: what the stages make of it is still to come.
    exchange.requestBodyEnded = false;
    staged.end(exchange.requestTrailers);
    return staged;
  }

  /** An attempt has a connection. */
  attemptReady({ stagedRequest }: Exchange): void {
    if (stagedRequest === null) return;
    if (stagedRequest.isHeld) stagedRequest.open();
    else stagedRequest.drained();
  }

  #shape(exchange: Exchange, plan: BandwidthPlan): void {
    exchange.shaping = new Shaping(exchange, this.#bandwidth.buckets((exchange.route as RoutePlan).key, plan), this.#wheel);
  }

  /** The head of the answer is sent, and its body may follow. */
  answerBegins({ shaping, phase, responseLength, method }: Exchange): void {
    if (shaping !== null && phase !== 'done' && responseLength !== 0 && method !== 'HEAD') shaping.response.begin();
  }

  requestData(exchange: Exchange, chunk: Buffer): void {
    exchange.requestBytes += chunk.length;
    if (exchange.tunnel) return this.#tunnels.fromClient(exchange, chunk);
    if (exchange.stagedRequest !== null) exchange.stagedRequest.data(chunk);
    else if (!this.forward(exchange, chunk)) exchange.downstream.pauseRequest();
  }

  /** A chunk goes on to the backend. False: the backend is behind. */
  forward(exchange: Exchange, chunk: Buffer): boolean {
    copyData(exchange, chunk);
    if (exchange.gathering) {
      this.#gather(exchange, chunk);
      return true;
    }
    if (exchange.phase === 'picked') keepForReplay(exchange, chunk, this.#maxReplayBytes);
    const room = exchange.upstream?.writeData(chunk) !== false;
    if (exchange.shaping === null) return room;
    // It pauses the client itself.
    exchange.shaping.request.passed(chunk.length, room);
    return true;
  }

  /** The body cannot go on. */
  refuse(exchange: Exchange, error: ExchangeError): void {
    this.#refused(exchange, error);
  }

  upstreamDrained({ shaping, stagedRequest, downstream }: Exchange): void {
    if (shaping !== null) shaping.request.drained();
    else if (stagedRequest !== null) stagedRequest.drained();
    else downstream.resumeRequest();
  }

  /** A connection is taken after all of a small body, or the first part of a large one. */
  #gather(exchange: Exchange, chunk: Buffer): void {
    if (exchange.shaping !== null) exchange.shaping.request.passed(chunk.length, true);
    if (this.#gathering.keep(exchange, chunk)) this.#gatheringEnd(exchange);
  }

  #gatheringEnd(exchange: Exchange): void {
    this.#gathering.end(exchange);
    this.#gathered(exchange);
  }

  requestEnd(exchange: Exchange, trailers: Headers | null): void {
    exchange.requestEnded = true;
    exchange.requestTrailers = trailers;
    if (exchange.phase === 'done') return;
    if (exchange.stagedRequest !== null) exchange.stagedRequest.end(trailers);
    else this.forwardEnd(exchange, trailers);
  }

  /** All of the body has gone on. */
  forwardEnd(exchange: Exchange, trailers: Headers | null): void {
    exchange.requestBodyEnded = true;
    exchange.requestTrailers = trailers;
    copyEnd(exchange);
    if (exchange.gathering) return this.#gatheringEnd(exchange);
    if (exchange.requestLength !== 0 || exchange.tunnel) exchange.upstream?.end(trailers);
    if (!exchange.tunnel) return;
    if (exchange.responseEnded) this.#tunnelEnded(exchange);
    else if (exchange.localStream !== null) exchange.localStream.ended();
  }

  responseData(exchange: Exchange, chunk: Buffer): void {
    if (exchange.tunnel) {
      exchange.responseBytes += chunk.length;
      this.#tunnels.fromBackend(exchange, chunk);
    } else if (exchange.stagedAnswer !== null) exchange.stagedAnswer.data(chunk);
    else if (!this.sendAnswer(exchange, chunk)) exchange.upstream?.pauseResponse();
  }

  /** Sends a chunk to the client. False: the client is behind. */
  sendAnswer(exchange: Exchange, chunk: Buffer): boolean {
    exchange.responseBytes += chunk.length;
    const room = exchange.downstream.writeData(exchange, chunk);
    if (exchange.shaping === null) return room;
    // It pauses the backend itself.
    exchange.shaping.response.passed(chunk.length, room);
    return true;
  }

  downstreamDrained({ shaping, stagedAnswer, tunnel, answerSource }: Exchange): void {
    if (shaping !== null) shaping.response.drained();
    else if (stagedAnswer !== null && !tunnel) stagedAnswer.drained();
    else answerSource?.resumeResponse();
  }
}

/** The client waits for the proxy, so the backend must not be asked (RFC 9110 section 10.1.1). */
function sendContinue(exchange: Exchange): void {
  exchange.expectsContinue = false;
  removeHeader(exchange.requestHeaders, 'expect');
  exchange.downstream.writeInformational(100, []);
}

/** Between the client and the backend. */
class RequestEnds implements BodyEnds {
  readonly #exchange: Exchange;
  readonly #bodies: Bodies;
  readonly #failed: BodiesOptions['failed'];

  constructor(exchange: Exchange, bodies: Bodies, failed: BodiesOptions['failed']) {
    this.#exchange = exchange;
    this.#bodies = bodies;
    this.#failed = failed;
  }

  pause(): void {
    this.#exchange.downstream.pauseRequest();
  }

  resume(): void {
    if (this.#exchange.shaping?.request.waits !== true) this.#exchange.downstream.resumeRequest();
  }

  /** Between two attempts the body has no place to go. */
  data(chunk: Buffer): boolean {
    const room = this.#bodies.forward(this.#exchange, chunk);
    return room && (this.#exchange.gathering || this.#exchange.upstream !== null);
  }

  end(trailers: Headers | null): void {
    this.#bodies.forwardEnd(this.#exchange, trailers);
  }

  fail(error: ExchangeError): void {
    this.#bodies.refuse(this.#exchange, error);
  }

  failed(bug: unknown): void {
    this.#failed(this.#exchange, bug);
  }
}
