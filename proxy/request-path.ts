// THE SPINE of the proxy, the life of a request from top to bottom:
// match > request filters > injected faults > pick > attempt > response filters > answer > record.
// Codecs call it from both sides; each method handles one event of an exchange.
import { Admission } from './admission.ts';
import type { AdmissionOptions } from './admission.ts';
import type { Attempt } from './exchange/attempt.ts';
import type { BodyStage } from './exchange/body-stage.ts';
import { Bodies } from './bodies.ts';
import { Endings } from './endings.ts';
import { goesOn } from './exchange/departure.ts';
import { draw } from './exchange/draw.ts';
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
import type { Limits } from './exchange/limits.ts';
import type { OpenConnections } from './exchange/open-connections.ts';
import type { BackendPlan, RequestFilter, RoutePlan } from './exchange/plan.ts';
import type { Shedder } from './exchange/shedder.ts';
import type { RuleSessions } from './exchange/session.ts';
import { UNKNOWN_LENGTH } from './exchange/stream.ts';
import type { DownstreamEvents, UpstreamEvents } from './exchange/stream.ts';
import { Filtering } from './filtering.ts';
import { LocalStreams } from './local-streams.ts';
import { Attempts } from './upstream/attempts.ts';
import { abortOf, delays } from './upstream/fault-injection.ts';
import type { DelayListener } from './upstream/fault-injection.ts';
import type { Gathering } from './upstream/gathering.ts';
import { Retries } from './upstream/retries.ts';
import { renewRequestTimeout } from './upstream/timeout.ts';
import type { DeadlineListener } from './upstream/timeout.ts';
import { Tunnels } from './upstream/tunnels.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';

/** The dependencies of the path. */
export interface RequestPathOptions extends Omit<AdmissionOptions, 'endings' | 'deadlines'> {
  readonly connections: OpenConnections;
  readonly gathering: Gathering;
  readonly limits: Pick<Limits, 'maxReplayBytes' | 'filterTimeout'>;
  /** The workers of the proxy, which share its limits; 1 by default. */
  readonly workers?: number | undefined;
}

export class RequestPath implements DownstreamEvents, UpstreamEvents, DeadlineListener, DelayListener {
  readonly #events: ExchangeEvents;
  readonly #connections: OpenConnections;
  readonly #wheel: TimerWheel;
  readonly #hop: Hop;
  readonly #shedder: Shedder;
  readonly #attempts: Attempts;
  readonly #retries: Retries;
  readonly #tunnels: Tunnels;
  readonly #bodies: Bodies;
  readonly #endings: Endings;
  readonly #admission: Admission;
  readonly #filtering: Filtering;
  readonly #streams: LocalStreams;

  constructor(options: RequestPathOptions) {
    const { events, connections, wheel, gathering, hop, limits, shedder, workers } = options;
    [this.#retries, this.#events] = [new Retries({ workers }), events];
    this.#connections = connections;
    this.#wheel = wheel;
    this.#hop = hop;
    this.#shedder = shedder;
    this.#attempts = new Attempts({ wheel, limits, deadlines: this, events });
    const failed = (exchange: Exchange, bug: unknown): void => this.failed(exchange, bug);
    this.#endings = new Endings({
      attempts: this.#attempts,
      gathering,
      wheel,
      limits,
      events,
      failed,
      send: (exchange, chunk) => this.#bodies.sendAnswer(exchange, chunk),
      stream: (exchange, stream) => {
        if (stream.tunnel === null) connections.begin(exchange);
        this.#streams.begin(exchange, stream);
      },
      record: (exchange) => this.#record(exchange),
    });
    this.#admission = new Admission({ ...options, endings: this.#endings, deadlines: this });
    const stage = (exchange: Exchange, added: BodyStage): void => this.#bodies.stage(exchange, added);
    this.#filtering = new Filtering({ endings: this.#endings, wheel, limits, events, stage, failed });
    this.#tunnels = this.#makeTunnels();
    this.#bodies = new Bodies({
      gathering,
      wheel,
      limits,
      workers,
      tunnels: this.#tunnels,
      gathered: (exchange) => this.#begin(exchange),
      refused: (exchange, error) => this.requestFailed(exchange, error),
      failed,
      tunnelEnded: (exchange) => this.#endings.finish(exchange),
    });
    this.#streams = this.#makeStreams(failed);
  }

  #makeTunnels(): Tunnels {
    return new Tunnels(this.#wheel, {
      opened: (exchange) => {
        this.#connections.begin(exchange);
        if (exchange.upgrade === 'websocket') this.#events.webSocketOpened?.(exchange);
      },
      closed: (exchange) => this.#endings.finish(exchange),
      torn: (exchange, error) => this.#endings.cut(exchange, error),
    });
  }

  #makeStreams(failed: (exchange: Exchange, bug: unknown) => void): LocalStreams {
    return new LocalStreams({
      openTunnel: (exchange) => this.#tunnels.openOwn(exchange),
      stopTimeouts: (exchange) => this.#tunnels.stopTimeouts(exchange),
      send: (exchange, chunk) => this.#bodies.sendAnswer(exchange, chunk),
      ends: (exchange, trailers) => this.#endings.answerEnds(exchange, trailers),
      fail: (exchange, error) => this.withdrawn(exchange, error),
      failed,
    });
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
    if (route !== null) this.#filtering.run(exchange, route.requestFilters, this.#chooseBackend);
  }

  // 2 request filters: those of the route, those of the chosen backend, then those that see all changes

  readonly #chooseBackend = (exchange: Exchange): void => {
    const route = exchange.route as RoutePlan;
    const backend = (route.sessions === null ? null : resumed(exchange, route.sessions)) ?? draw(route.backends, route.totalWeight);
    if (backend === null) return this.#endings.reply(exchange, route.nothingDrawn);
    if (backend.error !== null) return this.#endings.reply(exchange, backend.error);
    exchange.backend = backend;
    if (!this.#follow(exchange, backend.route)) return this.#endings.reply(exchange, ERRORS.deadlineMalformed);
    this.#filtering.run(exchange, backend.requestFilters, this.#finish);
  };

  readonly #finish = (exchange: Exchange): void => {
    this.#filtering.run(exchange, (exchange.route as RoutePlan).lastFilters, this.#forward);
  };

  /**
   * `route`: the backend has its own policies. The deadline may be another one then, and for a request that filters made a call. False: that
   * of the caller is invalid.
   */
  #follow(exchange: Exchange, route: RoutePlan | null): boolean {
    if (route === null && exchange.translation === null) return true;
    const before = exchange.route as RoutePlan;
    const after = (exchange.route = route ?? before);
    const isSame = after.requestTimeout === before.requestTimeout && after.timeoutHeader === before.timeoutHeader;
    return (isSame && exchange.translation === null) || renewRequestTimeout(exchange, this.#wheel, this);
  }

  // 3 injected faults, pick, 4 attempt: once, or again as decided in upstream/retries.ts

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
    if (!this.#bodies.begin(exchange)) this.#begin(exchange);
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
    this.#filtering.proceed(copy, (copy.route as RoutePlan).requestFilters ?? [], behind, this.#chooseBackend);
  }

  #begin(exchange: Exchange): void {
    const error = this.#attempts.begin(exchange);
    if (error !== null) this.#endings.unanswered(exchange, null, error);
  }

  #repeat(attempt: Attempt): void {
    const error = this.#attempts.repeat(attempt);
    if (error !== null) this.#endings.unanswered(attempt.exchange, null, error);
  }

  refusalOfWait(exchange: Exchange): ExchangeError | null {
    return this.#shedder.active ? this.#shedder.refusal(exchange, 'connect') : null;
  }

  admitted(exchange: Exchange): void {
    const error = this.#attempts.proceed(exchange);
    if (error !== null) this.#endings.unanswered(exchange, null, error);
  }

  refused(exchange: Exchange, error: ExchangeError): void {
    this.#endings.reply(exchange, error);
  }

  retryDue(exchange: Exchange): void {
    this.#begin(exchange);
  }

  hedgeDue(exchange: Exchange): void {
    this.#attempts.hedge(exchange, (late) => this.#retries.beside(late));
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
    const { exchange } = attempt;
    const isTriedElsewhere = hasRival(attempt);
    this.#attempts.ended(attempt, 'failed', error);
    if (exchange.phase === 'done' || isTriedElsewhere) return;
    if (this.#retries.afterFailure(attempt, error)) return this.#repeat(attempt);
    this.#endings.unanswered(exchange, attempt, error);
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
      return this.#repeat(attempt);
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
    noteSlowness(attempt);
    if (hasRival(attempt)) return this.#attempts.stop(attempt, 'abandoned');
    const isRepeated = this.#retries.afterFailure(attempt, ERRORS.upstreamTimeout);
    if (!isRepeated) return this.#endings.unanswered(attempt.exchange, attempt, ERRORS.upstreamTimeout);
    this.#attempts.stop(attempt, 'abandoned');
    this.#repeat(attempt);
  }

  /** The bug `_bug` ended the handling of the exchange. */
  failed(exchange: Exchange, _bug: unknown): void {
    if (exchange.phase !== 'done') this.#endings.crash(exchange);
  }
}

/** The backend of the session that the request belongs to, or null. */
function resumed(exchange: Exchange, sessions: RuleSessions): BackendPlan | null {
  exchange.session = sessions.resume(exchange);
  return exchange.session === null ? null : exchange.session.backend;
}

/** A deadline passed: that tells something about the endpoint if its answer has not begun. */
function noteSlowness(attempt: Attempt): void {
  attempt.timedOut = attempt.headAt === 0;
}
