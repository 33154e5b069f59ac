// The endings of exchanges: an answer that passes the response filters, an answer of the proxy itself, a cut, or a client that left; each
// is then recorded.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { Answering } from './answering.ts';
import type { AnsweringOptions } from './answering.ts';
import type { Attempt } from './exchange/attempt.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import { fallBack } from './exchange/fallback.ts';
import { failedStatus } from './exchange/grpc.ts';
import { endCall } from './exchange/grpc-ending.ts';
import { localReply } from './exchange/local-reply.ts';
import type { Headers } from './exchange/headers.ts';
import type { LocalStream } from './exchange/local-stream.ts';
import type { EndFilter } from './exchange/plan.ts';
import type { BodyPart } from './exchange/staged-body.ts';
import type { Attempts } from './upstream/attempts.ts';
import { dropCopies } from './upstream/copies.ts';
import { changeOver } from './upstream/fallback.ts';
import type { Gathering } from './upstream/gathering.ts';
import { stopTimeouts } from './upstream/timeout.ts';

export interface EndingsOptions extends Pick<AnsweringOptions, 'wheel' | 'limits' | 'events' | 'send' | 'failed'> {
  readonly attempts: Attempts;
  readonly gathering: Gathering;
  /** The head of an answer is sent that goes on. */
  readonly stream: (exchange: Exchange, stream: LocalStream) => void;
  /** The last phase: metrics and access log. */
  readonly record: (exchange: Exchange) => void;
}

export class Endings {
  readonly #attempts: Attempts;
  readonly #gathering: Gathering;
  readonly #wheel: TimerWheel;
  readonly #answering: Answering;
  readonly #stream: EndingsOptions['stream'];
  readonly #record: (exchange: Exchange) => void;

  constructor({ attempts, gathering, wheel, limits, events, send, failed, stream, record }: EndingsOptions) {
    this.#attempts = attempts;
    this.#gathering = gathering;
    this.#wheel = wheel;
    this.#stream = stream;
    this.#record = record;
    this.#answering = new Answering({
      wheel,
      limits,
      events,
      send,
      failed,
      sent: (exchange, trailers) => this.answerEnds(exchange, trailers),
      refused: (exchange, error) => this.#answerPlainly(exchange, error),
      left: ({ attempt }) => attempts.stop(attempt, 'answered'),
    });
  }

  /** Sends the head of the answer after the response filters, and goes on with its body. */
  answer(exchange: Exchange, next: (exchange: Exchange) => void): void {
    this.#answering.begin(exchange, next);
  }

  /** The whole body of an answer, for a response filter. */
  wholeAnswer(exchange: Exchange, maxBytes: number): Promise<Buffer | null> {
    return this.#answering.whole(exchange, maxBytes);
  }

  /** The body of the answer of a backend up to a limit, for a response filter. */
  answerStart(exchange: Exchange, maxBytes: number): Promise<BodyPart | null> {
    return this.#answering.start(exchange, maxBytes);
  }

  /** Answers with an error, or the fixed answer that a policy has for it. */
  reply(exchange: Exchange, error: ExchangeError): void {
    this.#settle(exchange);
    exchange.localStream = null;
    exchange.error = error;
    if (!fallBack(exchange, error)) localReply(exchange, error);
    this.answerLocally(exchange);
  }

  /** Sends the answer of a filter or an error in the exchange. */
  answerLocally(exchange: Exchange): void {
    this.#answering.begin(exchange, this.#sendBody);
  }

  readonly #sendBody = (exchange: Exchange): void => {
    if (exchange.localStream !== null) return this.#stream(exchange, exchange.localStream);
    const body = exchange.method === 'HEAD' ? null : exchange.localBody;
    if (exchange.stagedAnswer !== null) return exchange.stagedAnswer.whole(body);
    if (body !== null) {
      exchange.responseBytes = body.length;
      exchange.downstream.writeData(exchange, body);
    }
    this.answerEnds(exchange, null);
  };

  /** All of the answer has passed the filters. */
  answerEnds(exchange: Exchange, trailers: Headers | null): void {
    exchange.responseEnded = true;
    exchange.downstream.end(exchange, trailers);
    // A tunnel lives until both directions have ended.
    if (!exchange.tunnel || exchange.requestEnded) this.finish(exchange);
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

  /** A bug ended the handling of the exchange. */
  crash(exchange: Exchange): void {
    this.#answerPlainly(exchange, ERRORS.internalError);
  }

  /** Answers with an error that does not pass the filters, because one of them has failed; or cuts an answer that has begun. */
  #answerPlainly(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase === 'answering') return this.cut(exchange, error);
    this.#attempts.stopAll(exchange);
    this.#settle(exchange);
    exchange.localStream = null;
    exchange.error = error;
    localReply(exchange, error);
    exchange.translation?.replied?.(exchange);
    this.#answering.sendHead(exchange);
    this.#sendBody(exchange);
  }

  /** The exchange is over. */
  finish(exchange: Exchange): void {
    exchange.phase = 'done';
    if (exchange.attempt !== null) this.#attempts.ended(exchange.attempt, 'answered', null);
    this.#settle(exchange);
    exchange.replay = null;
    if (exchange.webSocket !== null) exchange.webSocket.end();
    if (exchange.shaping !== null) exchange.shaping.stop();
    dropCopies(exchange);
    if (!exchange.shadow) this.#record(exchange);
    endFilters(exchange);
  }

  /** Ends everything that would go on with the exchange, because it has its answer: waits, timers, an answer that still waits for filters. */
  #settle(exchange: Exchange): void {
    endWaits(exchange);
    this.#gathering.end(exchange);
    if (exchange.requestTimer !== null || exchange.backoffTimer !== null || exchange.hedge !== null) stopTimeouts(exchange, this.#wheel);
    if (exchange.stagedRequest !== null) exchange.stagedRequest.stop();
    if (exchange.stagedAnswer !== null) exchange.stagedAnswer.stop();
    exchange.stagedAnswer = null;
  }
}

/** Filters and the gate of the backend stop their work for the exchange. */
function endWaits(exchange: Exchange): void {
  if (exchange.wait !== null) exchange.wait.leave();
  if (exchange.canceller !== null) exchange.cancel();
}

function endFilters(exchange: Exchange): void {
  const own = exchange.backend?.endFilters ?? null;
  if (own !== null) tellEnd(own, exchange);
  const shared = exchange.route?.endFilters ?? null;
  if (shared !== null) tellEnd(shared, exchange);
}

function tellEnd(filters: readonly EndFilter[], exchange: Exchange): void {
  for (let i = 0; i < filters.length; i++) (filters[i] as EndFilter).ended(exchange);
}
