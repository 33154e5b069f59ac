// THE SPINE of the proxy, the life of a request from top to bottom:
// match > request filters > pick > attempt > response filters > answer > record.
// Codecs call in from both sides; every method is one thing that can happen to an exchange.
import type { Attempt } from './exchange/attempt.ts';
import { Bodies } from './bodies.ts';
import { Endings } from './endings.ts';
import { draw } from './exchange/draw.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import { answersCall, noteStatus, recogniseCall } from './exchange/grpc.ts';
import { leaveRoomForStatus } from './exchange/grpc-ending.ts';
import type { Headers } from './exchange/headers.ts';
import type { Hop } from './exchange/hop.ts';
import { KeptBody } from './exchange/kept-body.ts';
import type { Limits } from './exchange/limits.ts';
import type { FilterVerdict, RequestFilter, RoutePlan } from './exchange/plan.ts';
import type { Recorder } from './exchange/recorder.ts';
import type { DownstreamEvents, UpstreamEvents } from './exchange/stream.ts';
import { runRequestFilters } from './filter/chain.ts';
import type { Runtime } from './runtime/runtime.ts';
import { Attempts } from './upstream/attempts.ts';
import { setForwarded } from './upstream/forwarded.ts';
import type { Gathering } from './upstream/gathering.ts';
import { mayRetryFailure, mayRetryStatus } from './upstream/retry.ts';
import { renewRequestTimeout, startCallDeadline, startRequestTimeout } from './upstream/timeout.ts';
import type { DeadlineListener } from './upstream/timeout.ts';
import { Tunnels } from './upstream/tunnels.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';

/** What the path needs from its surroundings. */
export interface RequestPathOptions {
  /** The runtime to serve new exchanges with; each takes it once. */
  readonly runtime: () => Runtime;
  readonly recorder: Recorder;
  readonly wheel: TimerWheel;
  readonly gathering: Gathering;
  readonly limits: Pick<Limits, 'maxReplayBytes'>;
  readonly hop: Hop;
}

export class RequestPath implements DownstreamEvents, UpstreamEvents, DeadlineListener {
  readonly #runtime: () => Runtime;
  readonly #recorder: Recorder;
  readonly #wheel: TimerWheel;
  readonly #hop: Hop;
  readonly #attempts: Attempts;
  readonly #tunnels: Tunnels;
  readonly #bodies: Bodies;
  readonly #endings: Endings;

  constructor({ runtime, recorder, wheel, gathering, hop, limits }: RequestPathOptions) {
    this.#runtime = runtime;
    this.#recorder = recorder;
    this.#wheel = wheel;
    this.#hop = hop;
    this.#attempts = new Attempts({ wheel, limits, deadlines: this });
    this.#endings = new Endings({ attempts: this.#attempts, gathering, wheel, record: (exchange) => recorder.record(exchange) });
    this.#tunnels = new Tunnels(wheel, {
      opened: (exchange) => recorder.webSocketOpened(exchange),
      closed: (exchange) => this.#endings.finish(exchange),
      torn: (exchange, error) => this.#endings.cut(exchange, error),
    });
    this.#bodies = new Bodies({
      gathering,
      limits,
      tunnels: this.#tunnels,
      gathered: (exchange) => this.#begin(exchange),
      tunnelEnded: (exchange) => this.#endings.finish(exchange),
    });
  }

  // 1 match

  requestHead(exchange: Exchange): void {
    this.#recorder.started(exchange);
    recogniseCall(exchange);
    const runtime = this.#runtime();
    if (!runtime.identify(exchange)) return this.#endings.reply(exchange, ERRORS.clientUnknown);
    // Before any route or filter: neither may go by what a stranger claims, and what a route's owner sets on purpose stays.
    setForwarded(exchange);
    const route = runtime.match(exchange);
    if (route === null) return this.#endings.reply(exchange, runtime.mismatch(exchange));
    exchange.route = route;
    if (route.error !== null) return this.#endings.reply(exchange, route.error);
    // After the match, which goes by what the client sent.
    this.#hop.request(exchange);
    if (exchange.grpc) {
      if (!startCallDeadline(exchange, this.#wheel, this)) return this.#endings.reply(exchange, ERRORS.deadlineMalformed);
    } else if (route.requestTimeout > 0) startRequestTimeout(exchange, this.#wheel, this);
    this.#filter(exchange, route.requestFilters, this.#chooseBackend);
  }

  // 2 request filters: those of the route, then those of the backend that was drawn

  #filter(exchange: Exchange, filters: readonly RequestFilter[] | null, next: (exchange: Exchange) => void): void {
    if (filters === null) return next(exchange);
    const verdict = runRequestFilters(filters, exchange);
    if (typeof verdict === 'string') return this.#filtered(exchange, verdict, next);
    exchange.downstream.pauseRequest();
    verdict.then((late) => this.#filtered(exchange, late, next)).catch((bug: unknown) => this.failed(exchange, bug));
  }

  #filtered(exchange: Exchange, verdict: FilterVerdict, next: (exchange: Exchange) => void): void {
    if (exchange.phase === 'done') return;
    if (verdict === 'answered') this.#endings.answerLocally(exchange);
    else next(exchange);
  }

  readonly #chooseBackend = (exchange: Exchange): void => {
    const route = exchange.route as RoutePlan;
    const backend = draw(route.backends, route.totalWeight);
    if (backend === null) return this.#endings.reply(exchange, route.nothingDrawn);
    if (backend.error !== null) return this.#endings.reply(exchange, backend.error);
    exchange.backend = backend;
    if (backend.route !== null) this.#follow(exchange, backend.route);
    this.#filter(exchange, backend.requestFilters, this.#forward);
  };

  /** The backend has policies of its own. */
  #follow(exchange: Exchange, route: RoutePlan): void {
    const before = exchange.route as RoutePlan;
    exchange.route = route;
    if (route.requestTimeout !== before.requestTimeout) renewRequestTimeout(exchange, this.#wheel, this);
  }

  // 3 pick, 4 attempt: once, or again as upstream/retry.ts says

  readonly #forward = (exchange: Exchange): void => {
    if (!this.#tunnels.mayOpen(exchange)) return this.#endings.reply(exchange, ERRORS.overloaded);
    exchange.phase = 'picked';
    if (!this.#bodies.begin(exchange)) this.#begin(exchange);
  };

  /** Sends a copy of a request, which a filter made, with its whole body: it starts where the original would go on. */
  forwardCopy(copy: Exchange, body: Buffer | null): void {
    copy.requestLength = body === null ? 0 : body.length;
    copy.requestBytes = copy.requestLength;
    copy.requestEnded = true;
    if (body !== null) (copy.replay = new KeptBody()).keep(body);
    this.#forward(copy);
  }

  #begin(exchange: Exchange): void {
    const error = this.#attempts.begin(exchange);
    if (error !== null) this.#endings.reply(exchange, error);
  }

  #repeat(attempt: Attempt): void {
    const error = this.#attempts.repeat(attempt);
    if (error !== null) this.#endings.reply(attempt.exchange, error);
  }

  retryDue(exchange: Exchange): void {
    this.#begin(exchange);
  }

  upstreamReady(attempt: Attempt): void {
    this.#attempts.ready(attempt);
  }

  requestData(exchange: Exchange, chunk: Buffer): void {
    if (exchange.phase !== 'done') this.#bodies.requestData(exchange, chunk);
  }

  requestEnd(exchange: Exchange, trailers: Headers | null): void {
    this.#bodies.requestEnd(exchange, trailers);
  }

  upstreamDrained({ exchange }: Attempt): void {
    exchange.downstream.resumeRequest();
  }

  upstreamFailed(attempt: Attempt, error: ExchangeError): void {
    const { exchange } = attempt;
    this.#attempts.ended(attempt, 'failed', error);
    if (exchange.phase === 'done') return;
    if (exchange.phase === 'answering') return this.#endings.cut(exchange, error);
    if (mayRetryFailure(attempt, error)) return this.#repeat(attempt);
    this.#endings.reply(exchange, error);
  }

  // 5 response filters, and the answer

  responseInformational({ exchange }: Attempt, status: number, headers: Headers): void {
    if (status === 100) exchange.expectsContinue = false;
    exchange.downstream.writeInformational(status, headers);
  }

  responseHead(attempt: Attempt): void {
    const { exchange } = attempt;
    attempt.headAt = turnTime();
    if (mayRetryStatus(attempt)) {
      this.#attempts.stop(attempt, 'declined');
      return this.#repeat(attempt);
    }
    exchange.takeAnswer(attempt);
    const objection = this.#objection(exchange);
    if (objection !== null) {
      this.#attempts.stop(attempt, 'declined');
      return this.#endings.reply(exchange, objection);
    }
    if (exchange.grpc) leaveRoomForStatus(exchange);
    if (exchange.status !== 101) this.#hop.answer(exchange.responseHeaders, attempt.version);
    this.#endings.sendHead(exchange);
    if (exchange.status === 101) this.#tunnels.open(exchange);
  }

  /** A caller cannot read what speaks no gRPC; of WebSockets that were asked for at the same time some may be too many. */
  #objection(exchange: Exchange): ExchangeError | null {
    if (exchange.grpc && !answersCall(exchange.responseHeaders)) return ERRORS.upstreamNotGrpc;
    return exchange.status === 101 && !this.#tunnels.mayOpen(exchange) ? ERRORS.overloaded : null;
  }

  responseData({ exchange }: Attempt, chunk: Buffer): void {
    // A tunnel that was closed for what went through it.
    if (exchange.phase !== 'done') this.#bodies.responseData(exchange, chunk);
  }

  responseEnd({ exchange }: Attempt, trailers: Headers | null): void {
    if (exchange.phase === 'done') return;
    exchange.responseEnded = true;
    if (exchange.grpc) noteStatus(exchange, trailers);
    exchange.downstream.end(exchange, trailers);
    // A tunnel lives until both directions have ended.
    if (!exchange.tunnel || exchange.requestEnded) this.#endings.finish(exchange);
  }

  downstreamDrained(exchange: Exchange): void {
    exchange.upstream?.resumeResponse();
  }

  downstreamEnding(exchange: Exchange): void {
    this.#tunnels.leave(exchange);
  }

  // 6 record: with every ending, of which these are none of an answer

  requestRefused(exchange: Exchange, error: ExchangeError): void {
    this.#recorder.started(exchange);
    recogniseCall(exchange);
    this.#endings.reply(exchange, error);
  }

  requestTorn(exchange: Exchange, error: ExchangeError): void {
    this.#recorder.started(exchange);
    this.downstreamFailed(exchange, error);
  }

  requestFailed(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase !== 'done') this.#endings.giveUp(exchange, error);
  }

  downstreamFailed(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase !== 'done') this.#endings.leave(exchange, error);
  }

  clientTooSlow({ exchange }: Attempt): void {
    this.requestFailed(exchange, ERRORS.clientTooSlow);
  }

  timedOut(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase === 'done') return;
    const { attempt } = exchange;
    const again = attempt !== null && error === ERRORS.upstreamTimeout && mayRetryFailure(attempt, error);
    if (!again) return this.#endings.giveUp(exchange, error);
    this.#attempts.stop(attempt, 'abandoned');
    this.#repeat(attempt);
  }

  /** The code of the proxy threw `_bug` while it handled the exchange. */
  failed(exchange: Exchange, _bug: unknown): void {
    if (exchange.phase !== 'done') this.#endings.crash(exchange);
  }
}
