// The flow of bodies in an exchange, in both directions: collected before the first attempt, kept for another one, copied, forwarded to a
// peer that may be full, or raw bytes in a tunnel.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { Bandwidth } from './exchange/bandwidth.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Headers } from './exchange/headers.ts';
import type { Limits } from './exchange/limits.ts';
import type { BandwidthPlan, RoutePlan } from './exchange/plan.ts';
import { copyData, copyEnd } from './upstream/copies.ts';
import type { Gathering } from './upstream/gathering.ts';
import { keepForReplay, startReplay } from './upstream/replay.ts';
import { Shaping } from './upstream/shaping.ts';
import type { Tunnels } from './upstream/tunnels.ts';

export interface BodiesOptions {
  readonly gathering: Gathering;
  readonly tunnels: Tunnels;
  readonly wheel: TimerWheel;
  readonly limits: Pick<Limits, 'maxReplayBytes'>;
  /** Of the proxy, which share the limits of rules; 1 by default. */
  readonly workers?: number | undefined;
  /** The body has enough bytes for an attempt. */
  readonly gathered: (exchange: Exchange) => void;
  /** The inspection of the body refuses the request. */
  readonly refused: (exchange: Exchange, error: ExchangeError) => void;
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
  readonly #tunnelEnded: (exchange: Exchange) => void;

  constructor({ gathering, tunnels, wheel, limits, workers, gathered, refused, tunnelEnded }: BodiesOptions) {
    this.#bandwidth = new Bandwidth(workers);
    this.#gathering = gathering;
    this.#tunnels = tunnels;
    this.#wheel = wheel;
    this.#maxReplayBytes = limits.maxReplayBytes;
    this.#gathered = gathered;
    this.#refused = refused;
    this.#tunnelEnded = tunnelEnded;
  }

  /** The exchange is ready to be sent. Whether to collect its body first: `gathered` is then called when enough arrived. */
  begin(exchange: Exchange): boolean {
    const { bandwidth } = exchange.route as RoutePlan;
    if (bandwidth !== null && !exchange.shadow) this.#shape(exchange, bandwidth);
    if (exchange.requestLength !== 0 && exchange.replay === null) startReplay(exchange, this.#maxReplayBytes);
    const gathers = this.#gathering.begin(exchange);
    if (exchange.shaping !== null && exchange.requestLength !== 0) exchange.shaping.request.begin();
    return gathers;
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
    if (exchange.inspection !== null && this.#refuses(exchange, exchange.inspection.data(exchange, chunk))) return;
    copyData(exchange, chunk);
    if (exchange.gathering) return this.#gather(exchange, chunk);
    if (exchange.reading !== null) return exchange.reading.data(exchange, chunk);
    if (exchange.phase === 'picked') keepForReplay(exchange, chunk, this.#maxReplayBytes);
    const room = exchange.upstream?.writeData(chunk) !== false;
    if (exchange.shaping !== null) exchange.shaping.request.passed(chunk.length, room);
    else if (!room) exchange.downstream.pauseRequest();
  }

  /** Whether the inspection ends the exchange. */
  #refuses(exchange: Exchange, error: ExchangeError | null): boolean {
    if (error !== null) this.#refused(exchange, error);
    return error !== null;
  }

  upstreamDrained({ shaping, downstream }: Exchange): void {
    if (shaping === null) downstream.resumeRequest();
    else shaping.request.drained();
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
    if (exchange.inspection !== null && this.#refuses(exchange, exchange.inspection.end(exchange))) return;
    copyEnd(exchange);
    this.#forwardEnd(exchange, trailers);
  }

  #forwardEnd(exchange: Exchange, trailers: Headers | null): void {
    if (exchange.reading !== null) return exchange.reading.end(exchange);
    if (exchange.gathering) return this.#gatheringEnd(exchange);
    if (exchange.requestLength !== 0 || exchange.tunnel) exchange.upstream?.end(trailers);
    if (exchange.tunnel && exchange.responseEnded) this.#tunnelEnded(exchange);
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

  downstreamDrained({ shaping, stagedAnswer, upstream }: Exchange): void {
    if (shaping !== null) shaping.response.drained();
    else if (stagedAnswer !== null) stagedAnswer.drained();
    else upstream?.resumeResponse();
  }
}
