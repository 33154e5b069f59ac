// THE SPINE of the proxy, the life of a request from top to bottom:
// match > request filters > injected faults > pick > attempt > response filters > answer > record.
// Codecs call it from both sides; each method handles one event of an exchange.
import type { Admission } from './admission.ts';
import type { BackendChoice } from './backend-choice.ts';
import type { Bodies } from './bodies.ts';
import type { Endings } from './endings.ts';
import type { Attempt } from './exchange/attempt.ts';
import { goesOn } from './exchange/departure.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import { isEventStream } from './exchange/event-stream.ts';
import type { ExchangeEvents } from './exchange/exchange-events.ts';
import type { Exchange } from './exchange/exchange.ts';
import { answersCall, noteStatus, recogniseCall } from './exchange/grpc.ts';
import { leaveRoomForStatus } from './exchange/grpc-ending.ts';
import type { Headers } from './exchange/headers.ts';
import { hasRival } from './exchange/hedge.ts';
import type { Hop } from './exchange/hop.ts';
import { KeptBody } from './exchange/kept-body.ts';
import type { OpenConnections } from './exchange/open-connections.ts';
import type { RequestFilter, RoutePlan } from './exchange/plan.ts';
import type { Shedder } from './exchange/shedder.ts';
import { UNKNOWN_LENGTH } from './exchange/stream.ts';
import type { DownstreamEvents, UpstreamEvents } from './exchange/stream.ts';
import type { Filtering } from './filtering.ts';
import { makePhases, type PhasesOptions, type PhasesPath } from './phases.ts';
import { noteSlowness, type Trying } from './trying.ts';
import type { Attempts } from './upstream/attempts.ts';
import { abortOf, delays } from './upstream/fault-injection.ts';
import type { DelayListener } from './upstream/fault-injection.ts';
import type { Retries } from './upstream/retries.ts';
import type { DeadlineListener } from './upstream/timeout.ts';
import type { Tunnels } from './upstream/tunnels.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';

export class RequestPath implements DownstreamEvents, UpstreamEvents, DeadlineListener, DelayListener, PhasesPath {
  readonly #events: ExchangeEvents;
  readonly #connections: OpenConnections;
  readonly #wheel: TimerWheel;
  readonly #hop: Hop;
  readonly #shedder: Shedder;
  readonly #admission: Admission;
  readonly #filtering: Filtering;
  readonly #choice: BackendChoice;
  readonly #attempts: Attempts;
  readonly #retries: Retries;
  readonly #trying: Trying;
  readonly #bodies: Bodies;
  readonly #tunnels: Tunnels;
  readonly #endings: Endings;

  constructor(options: PhasesOptions) {
    const phases = makePhases(options, this, { forward: this.#forward, record: (exchange) => this.#record(exchange) });
    this.#events = options.events;
    this.#connections = options.connections;
    this.#wheel = options.wheel;
    this.#hop = options.hop;
    this.#shedder = options.shedder;
    this.#admission = phases.admission;
    this.#filtering = phases.filtering;
    this.#choice = phases.choice;
    this.#attempts = phases.attempts;
    this.#retries = phases.retries;
    this.#trying = phases.trying;
    this.#bodies = phases.bodies;
    this.#tunnels = phases.tunnels;
    this.#endings = phases.endings;
  }

  // 1 match

  /** Keeps host and path before filters rewrite them. */
  #started(exchange: Exchange): void {
    exchange.requestedAuthority = exchange.authority;
    exchange.requestedPath = exchange.path;
    this.#events.started?.(exchange);
  }

  requestHead(exchange: Exchange): void {
    this.#started(exchange);
    recogniseCall(exchange);
    const route = this.#admission.route(exchange);
    // 2 request filters: those of the route; then the backend is chosen, and its filters follow, with those that see all changes
    if (route !== null) this.#filtering.run(exchange, route.requestFilters, this.#choice.choose);
  }

  // 3 injected faults, pick, 4 attempt: once, or again

  readonly #forward = (exchange: Exchange): void => {
    const { faults } = exchange.route as RoutePlan;
    if (faults === null || !delays(exchange, faults, this.#wheel, this)) this.delayOver(exchange);
  };

  delayOver(exchange: Exchange): void {
    const { faults } = exchange.route as RoutePlan;
    const fault = faults === null ? null : abortOf(exchange, faults);
    if (fault !== null) return this.#endings.reply(exchange, fault);
    if (!this.#tunnels.mayOpen(exchange)) return this.#endings.reply(exchange, ERRORS.overloaded);
    exchange.phase = 'picked';
    if (!this.#bodies.begin(exchange)) this.#trying.begin(exchange);
  }

  /** The bodies of requests, for filters. */
  get bodies(): Pick<Bodies, 'gather' | 'passThrough' | 'whole'> {
    return this.#bodies;
  }

  /** The answers of requests, for filters. */
  get answers(): Pick<Endings, 'wholeAnswer' | 'answerStart'> {
    return this.#endings;
  }

  /** Sends a copy of a request with its whole body for a filter: it starts where the original would continue. */
  forwardCopy(copy: Exchange, body: Buffer | null): void {
    copy.requestLength = body === null ? 0 : body.length;
    copy.requestBytes = copy.requestLength;
    copy.requestEnded = true;
    copy.requestBodyEnded = true;
    if (body !== null) (copy.replay = new KeptBody()).keep(body);
    this.#forward(copy);
  }

  /** Sends a request of a filter whose body follows. */
  forwardStream(exchange: Exchange): void {
    this.#forward(exchange);
  }

  /** Goes on with a copy of a request behind one of the filters of its plan. */
  proceed(copy: Exchange, behind: RequestFilter): void {
    this.#filtering.proceed(copy, (copy.route as RoutePlan).requestFilters ?? [], behind, this.#choice.choose);
  }

  refusalOfWait(exchange: Exchange): ExchangeError | null {
    return this.#shedder.active ? this.#shedder.refusal(exchange, 'connect') : null;
  }

  admitted(exchange: Exchange): void {
    this.#trying.proceed(exchange);
  }

  refused(exchange: Exchange, error: ExchangeError): void {
    this.#endings.reply(exchange, error);
  }

  retryDue(exchange: Exchange): void {
    this.#trying.begin(exchange);
  }

  hedgeDue(exchange: Exchange): void {
    this.#trying.hedge(exchange);
  }

  upstreamReady(attempt: Attempt): void {
    this.#attempts.ready(attempt);
    this.#bodies.attemptReady(attempt.exchange);
  }

  requestData(exchange: Exchange, chunk: Buffer): void {
    if (exchange.phase !== 'done') this.#bodies.requestData(exchange, chunk);
  }

  requestEnd(exchange: Exchange, trailers: Headers | null): void {
    this.#bodies.requestEnd(exchange, trailers);
  }

  upstreamDrained({ exchange }: Attempt): void {
    this.#bodies.upstreamDrained(exchange);
  }

  upstreamFailed(attempt: Attempt, error: ExchangeError): void {
    this.#trying.failed(attempt, error);
  }

  // 5 response filters, and the answer

  responseInformational(attempt: Attempt, status: number, headers: Headers): void {
    const { exchange } = attempt;
    // Another attempt may win.
    if (hasRival(attempt)) return;
    if (status === 100) exchange.expectsContinue = false;
    exchange.downstream.writeInformational(status, headers);
  }

  responseHead(attempt: Attempt): void {
    const { exchange } = attempt;
    attempt.headAt = turnTime();
    attempt.cluster.attemptAnswered();
    if (this.#attempts.hedges.yields(attempt)) return this.#attempts.stop(attempt, 'declined');
    if (this.#retries.afterAnswer(attempt)) {
      this.#attempts.stop(attempt, 'declined');
      return this.#trying.repeat(attempt);
    }
    this.#attempts.won(attempt);
    exchange.takeAnswer(attempt);
    const objection = this.#objection(exchange);
    if (objection !== null) {
      this.#attempts.stop(attempt, 'declined');
      return this.#endings.reply(exchange, objection);
    }
    if (exchange.grpc) leaveRoomForStatus(exchange);
    if (exchange.status !== 101) this.#hop.answer(exchange.responseHeaders, attempt.version);
    const { sessions } = exchange.route as RoutePlan;
    if (sessions !== null) sessions.answered(exchange, attempt);
    this.#endings.answer(exchange, this.#answerBegins);
  }

  readonly #answerBegins = (exchange: Exchange): void => {
    if (exchange.status === 101) this.#tunnels.open(exchange);
    else {
      this.#bodies.answerBegins(exchange);
      if (exchange.responseLength === UNKNOWN_LENGTH && isEventStream(exchange)) this.#connections.begin(exchange);
    }
  };

  /** A gRPC caller cannot read an answer that is not gRPC; concurrent WebSocket requests may exceed the limit. */
  #objection(exchange: Exchange): ExchangeError | null {
    if (exchange.grpc && !answersCall(exchange.responseHeaders)) return ERRORS.upstreamNotGrpc;
    return exchange.status === 101 && !this.#tunnels.mayOpen(exchange) ? ERRORS.overloaded : null;
  }

  responseData({ exchange }: Attempt, chunk: Buffer): void {
    // A tunnel that was closed because of its frames.
    if (exchange.phase !== 'done') this.#bodies.responseData(exchange, chunk);
  }

  responseEnd(attempt: Attempt, trailers: Headers | null): void {
    const { exchange } = attempt;
    if (exchange.phase === 'done') return;
    if (exchange.grpc) noteStatus(exchange, trailers);
    if (exchange.stagedAnswer === null || exchange.tunnel) return this.#endings.answerEnds(exchange, trailers);
    // The connection may serve others while stages still work.
    attempt.stream = null;
    exchange.stagedAnswer.end(trailers);
  }

  downstreamDrained(exchange: Exchange): void {
    this.#bodies.downstreamDrained(exchange);
  }

  downstreamEnding(exchange: Exchange): void {
    if (exchange.tunnel) this.#tunnels.leave(exchange);
    else exchange.localStream?.leave(ERRORS.connectionCut);
  }

  // 6 record: at every ending; these are the ones without an answer

  #record(exchange: Exchange): void {
    if (exchange.isListed) this.#connections.ended(exchange);
    this.#events.ended?.(exchange, turnTime() - exchange.startedAt);
  }

  requestRefused(exchange: Exchange, error: ExchangeError): void {
    this.#started(exchange);
    recogniseCall(exchange);
    if (error === ERRORS.requestMalformed) this.#admission.malformed(exchange);
    this.#endings.reply(exchange, error);
  }

  requestTorn(exchange: Exchange, error: ExchangeError): void {
    this.#started(exchange);
    this.downstreamFailed(exchange, error);
  }

  requestFailed(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase !== 'done') this.#endings.giveUp(exchange, error);
  }

  /** What let the exchange through does not hold any more: ends it, a WebSocket with a reason for both sides. */
  withdrawn(exchange: Exchange, error: ExchangeError): void {
    if (exchange.webSocket === null) this.requestFailed(exchange, error);
    else this.#tunnels.end(exchange, error);
  }

  downstreamFailed(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase !== 'done' && !goesOn(exchange, error)) this.#endings.leave(exchange, error);
  }

  clientTooSlow({ exchange }: Attempt): void {
    this.requestFailed(exchange, ERRORS.clientTooSlow);
  }

  timedOut(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase === 'done') return;
    // Several attempts share the time of the request, so that its end is the fault of none of them.
    if (exchange.attempt !== null && exchange.attempts === 1 && error === ERRORS.requestTimeout) noteSlowness(exchange.attempt);
    this.#endings.giveUp(exchange, error);
  }

  attemptTimedOut(attempt: Attempt): void {
    this.#trying.timedOut(attempt);
  }

  /** The bug `_bug` ended the handling of the exchange. */
  failed(exchange: Exchange, _bug: unknown): void {
    if (exchange.phase !== 'done') this.#endings.crash(exchange);
  }
}
