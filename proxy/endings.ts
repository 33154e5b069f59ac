// The endings of exchanges: an answer that passes the response filters, an answer of the proxy itself, a cut, or a client that left; each
// is then recorded.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import type { Attempt } from './exchange/attempt.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import { fallBack } from './exchange/fallback.ts';
import { failedStatus } from './exchange/grpc.ts';
import { endCall } from './exchange/grpc-ending.ts';
import { localReply } from './exchange/local-reply.ts';
import { runEndFilters, runResponseFilters } from './filter/chain.ts';
import type { Attempts } from './upstream/attempts.ts';
import { dropCopies } from './upstream/copies.ts';
import { changeOver } from './upstream/fallback.ts';
import type { Gathering } from './upstream/gathering.ts';
import { stopTimeouts } from './upstream/timeout.ts';

export interface EndingsOptions {
  readonly attempts: Attempts;
  readonly gathering: Gathering;
  readonly wheel: TimerWheel;
  /** The last phase: metrics and access log. */
  readonly record: (exchange: Exchange) => void;
}

export class Endings {
  readonly #attempts: Attempts;
  readonly #gathering: Gathering;
  readonly #wheel: TimerWheel;
  readonly #record: (exchange: Exchange) => void;

  constructor({ attempts, gathering, wheel, record }: EndingsOptions) {
    this.#attempts = attempts;
    this.#gathering = gathering;
    this.#wheel = wheel;
    this.#record = record;
  }

  /** Sends the head of the answer after the response filters. */
  sendHead(exchange: Exchange): void {
    const own = exchange.backend?.responseFilters ?? null;
    if (own !== null) runResponseFilters(own, exchange);
    const shared = exchange.route?.responseFilters ?? null;
    if (shared !== null) runResponseFilters(shared, exchange);
    writeHead(exchange);
  }

  /** Answers with an error, or the fixed answer that a policy has for it. */
  reply(exchange: Exchange, error: ExchangeError): void {
    exchange.error = error;
    if (!fallBack(exchange, error)) localReply(exchange, error);
    this.answerLocally(exchange);
  }

  /** Sends the answer of a filter or an error in the exchange. */
  answerLocally(exchange: Exchange): void {
    this.sendHead(exchange);
    this.#sendBody(exchange);
  }

  #sendBody(exchange: Exchange): void {
    const body = exchange.localBody;
    if (body !== null && exchange.method !== 'HEAD') {
      exchange.responseBytes = body.length;
      exchange.downstream.writeData(exchange, body);
    }
    exchange.responseEnded = true;
    exchange.downstream.end(exchange, null);
    this.finish(exchange);
  }

  /**
   * The backend has failed to answer, for the last time: its fallback gets the request, otherwise the error ends the exchange. `failed`: the
   * attempt with the error; null if none could begin.
   */
  unanswered(exchange: Exchange, failed: Attempt | null, error: ExchangeError): void {
    const late = changeOver(exchange, failed, error, this.#attempts) ? this.#attempts.begin(exchange) : error;
    if (late !== null) this.giveUp(exchange, late);
  }

  /** Ends an exchange that cannot continue: with the error as its answer, or by a cut if an answer has started. */
  giveUp(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase === 'answering') return this.cut(exchange, error);
    this.#attempts.stopAll(exchange);
    this.reply(exchange, error);
  }

  /** The answer started and cannot be completed: the peer must not take it for complete. */
  cut(exchange: Exchange, error: ExchangeError): void {
    this.#attempts.stopAll(exchange);
    exchange.error = error;
    if (exchange.grpc) endCall(exchange, error);
    else exchange.downstream.abort(exchange);
    this.finish(exchange);
  }

  /** The client has left. */
  leave(exchange: Exchange, error: ExchangeError): void {
    exchange.error = error;
    if (exchange.status === 0) exchange.status = error.status;
    if (exchange.grpc) exchange.grpcStatus = failedStatus(exchange, error);
    this.#attempts.stopAll(exchange);
    this.finish(exchange);
  }

  /** A bug ended the handling of the exchange. The answer skips the filters, because one of them may have the bug. */
  crash(exchange: Exchange): void {
    if (exchange.phase === 'answering') return this.cut(exchange, ERRORS.internalError);
    this.#attempts.stopAll(exchange);
    exchange.error = ERRORS.internalError;
    localReply(exchange, ERRORS.internalError);
    writeHead(exchange);
    this.#sendBody(exchange);
  }

  /** The exchange is over. */
  finish(exchange: Exchange): void {
    exchange.phase = 'done';
    if (exchange.attempt !== null) this.#attempts.ended(exchange.attempt, 'answered', null);
    endWaits(exchange);
    this.#gathering.end(exchange);
    if (exchange.requestTimer !== null || exchange.backoffTimer !== null || exchange.hedge !== null) stopTimeouts(exchange, this.#wheel);
    exchange.replay = null;
    if (exchange.webSocket !== null) exchange.webSocket.end();
    if (exchange.shaping !== null) exchange.shaping.stop();
    dropCopies(exchange);
    if (!exchange.shadow) this.#record(exchange);
    endFilters(exchange);
  }
}

/** Filters and the gate of the backend stop their work for the exchange. */
function endWaits(exchange: Exchange): void {
  if (exchange.wait !== null) exchange.wait.leave();
  if (exchange.reading !== null) exchange.reading.leave(exchange);
  if (exchange.canceller !== null) exchange.cancel();
}

function endFilters(exchange: Exchange): void {
  const own = exchange.backend?.endFilters ?? null;
  if (own !== null) runEndFilters(own, exchange);
  const shared = exchange.route?.endFilters ?? null;
  if (shared !== null) runEndFilters(shared, exchange);
}

function writeHead(exchange: Exchange): void {
  exchange.phase = 'answering';
  exchange.headAt = turnTime() - exchange.startedAt;
  exchange.downstream.writeHead(exchange);
}
