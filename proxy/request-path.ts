// THE SPINE of the proxy, the life of a request from top to bottom:
// match > request filters > pick > forward or retry > response filters > record.
// Codecs call in from both sides; every method is one thing that can happen to an exchange.
import { WebSockets } from './codec/websocket/websockets.ts';
import { draw } from './exchange/draw.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import { answersCall, failedStatus, mayEndWithStatus, noteStatus, recogniseCall, statusFields } from './exchange/grpc.ts';
import type { Headers } from './exchange/headers.ts';
import { localReply } from './exchange/local-reply.ts';
import type { BackendPlan, FilterVerdict, RequestFilter, RoutePlan, UpstreamCluster, UpstreamEndpoint } from './exchange/plan.ts';
import { presenting } from './exchange/presenting.ts';
import { UNKNOWN_LENGTH } from './exchange/stream.ts';
import type { DownstreamEvents, UpstreamEvents } from './exchange/stream.ts';
import { runRequestFilters, runResponseFilters } from './filter/chain.ts';
import type { Runtime } from './runtime/runtime.ts';
import { setForwarded } from './upstream/forwarded.ts';
import { keepForReplay, startReplay } from './upstream/replay.ts';
import { mayRetryFailure, mayRetryStatus, retryPause } from './upstream/retry.ts';
import {
  propagateDeadline,
  renewRequestTimeout,
  startAttemptTimeout,
  startBackoff,
  startCallDeadline,
  startRequestTimeout,
  stopTimeouts,
} from './upstream/timeout.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';

/** What the path needs from its surroundings. */
export interface RequestPathOptions {
  /** The runtime to serve new exchanges with; each takes it once. */
  readonly runtime: () => Runtime;
  readonly recorder: Recorder;
  readonly wheel: TimerWheel;
}

/** The last phase: metrics and access log. */
export interface Recorder {
  started(exchange: Exchange): void;
  webSocketOpened(exchange: Exchange): void;
  record(exchange: Exchange): void;
}

export class RequestPath implements DownstreamEvents, UpstreamEvents {
  readonly #runtime: () => Runtime;
  readonly #recorder: Recorder;
  readonly #wheel: TimerWheel;
  readonly #webSockets: WebSockets;

  constructor(options: RequestPathOptions) {
    this.#runtime = options.runtime;
    this.#recorder = options.recorder;
    this.#wheel = options.wheel;
    this.#webSockets = new WebSockets(options.wheel, {
      closed: (exchange) => this.#finish(exchange),
      torn: (exchange, error) => this.#cut(exchange, error),
    });
  }

  // 1 match

  requestHead(exchange: Exchange): void {
    this.#recorder.started(exchange);
    recogniseCall(exchange);
    const runtime = this.#runtime();
    if (!runtime.identify(exchange)) return this.#reply(exchange, ERRORS.clientUnknown);
    // Before any route or filter: neither may go by what a stranger claims, and what a route's owner sets on purpose stays.
    setForwarded(exchange);
    const route = runtime.match(exchange);
    if (route === null) return this.#reply(exchange, runtime.mismatch(exchange));
    exchange.route = route;
    if (route.error !== null) return this.#reply(exchange, route.error);
    if (exchange.grpc) {
      if (!startCallDeadline(exchange, this.#wheel, this)) return this.#reply(exchange, ERRORS.deadlineMalformed);
    } else if (route.requestTimeout > 0) startRequestTimeout(exchange, this.#wheel, this);
    this.#filter(exchange, route.requestFilters, this.#chooseBackend);
  }

  requestRefused(exchange: Exchange, error: ExchangeError): void {
    this.#recorder.started(exchange);
    recogniseCall(exchange);
    this.#reply(exchange, error);
  }

  /** The peer left before its head was complete. */
  requestTorn(exchange: Exchange, error: ExchangeError): void {
    this.#recorder.started(exchange);
    this.downstreamFailed(exchange, error);
  }

  /** The request broke on its way, after its head had passed. */
  requestFailed(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase === 'done') return;
    const answering = exchange.phase === 'answering';
    this.#giveUp(exchange);
    if (answering) this.#cut(exchange, error);
    else this.#reply(exchange, error);
  }

  // 2 request filters: those of the route, then those of the backend that was chosen

  #filter(exchange: Exchange, filters: readonly RequestFilter[] | null, next: (exchange: Exchange) => void): void {
    if (filters === null) return next(exchange);
    const verdict = runRequestFilters(filters, exchange);
    if (typeof verdict === 'string') return this.#filtered(exchange, verdict, next);
    exchange.downstream.pauseRequest();
    verdict.then(
      (late) => this.#filtered(exchange, late, next),
      () => this.#filterFailed(exchange),
    );
  }

  #filterFailed(exchange: Exchange): void {
    if (exchange.phase !== 'done') this.#reply(exchange, ERRORS.internalError);
  }

  #filtered(exchange: Exchange, verdict: FilterVerdict, next: (exchange: Exchange) => void): void {
    if (exchange.phase === 'done') return;
    if (verdict === 'answered') this.#answerLocally(exchange);
    else next(exchange);
  }

  readonly #chooseBackend = (exchange: Exchange): void => {
    const route = exchange.route as RoutePlan;
    const backend = draw(route.backends, route.totalWeight);
    if (backend === null) return this.#reply(exchange, route.nothingDrawn);
    if (backend.error !== null) return this.#reply(exchange, backend.error);
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

  // 3 pick, 4 forward or retry

  readonly #forward = (exchange: Exchange): void => {
    if (exchange.upgrade === 'websocket' && !this.#webSockets.mayOpen(exchange)) return this.#reply(exchange, ERRORS.overloaded);
    exchange.phase = 'picked';
    if (exchange.requestLength !== 0 && exchange.replay === null) startReplay(exchange);
    this.#attempt(exchange);
  };

  /** Sends a copy of a request, which a filter made, with its whole body: it starts where the original would go on. */
  forwardCopy(copy: Exchange, body: Buffer | null): void {
    copy.requestLength = body === null ? 0 : body.length;
    copy.requestBytes = copy.requestLength;
    copy.requestEnded = true;
    copy.replay = body === null ? null : [body];
    this.#forward(copy);
  }

  #attempt(exchange: Exchange): void {
    const cluster = (exchange.backend as BackendPlan).cluster as UpstreamCluster;
    const endpoint = cluster.pick(exchange);
    if (endpoint === null) return this.#reply(exchange, ERRORS.noEndpoints);
    exchange.attempts++;
    exchange.endpoint = endpoint;
    exchange.attached = true;
    endpoint.active++;
    if (exchange.requestLength !== 0) exchange.downstream.pauseRequest();
    if ((exchange.route as RoutePlan).backendRequestTimeout > 0) startAttemptTimeout(exchange, this.#wheel, this);
    if (exchange.grpc) propagateDeadline(exchange);
    const { protocol, proxyProtocol } = exchange.route as RoutePlan;
    const transport = protocol === null && proxyProtocol === 0 ? cluster.transport : cluster.transportIn(protocol, proxyProtocol);
    exchange.pool = endpoint.pool(
      transport.tls === null || exchange.clientIdentity === null ? transport : presenting(transport, exchange.clientIdentity),
    );
    exchange.pool.send(exchange);
  }

  upstreamReady(exchange: Exchange): void {
    if (exchange.requestBytes > 0 && exchange.replay !== null) {
      for (const chunk of exchange.replay) exchange.upstream?.writeData(exchange, chunk);
    }
    if (exchange.requestEnded) exchange.upstream?.end(exchange, exchange.requestTrailers);
    else exchange.downstream.resumeRequest();
  }

  requestData(exchange: Exchange, chunk: Buffer): void {
    if (exchange.phase === 'done') return;
    exchange.requestBytes += chunk.length;
    if (exchange.phase === 'picked') keepForReplay(exchange, chunk);
    if (exchange.copies !== null) for (const copy of exchange.copies) copy.data(chunk);
    if (exchange.webSocket !== null) return this.#webSockets.fromClient(exchange, exchange.webSocket, chunk);
    if (exchange.upstream?.writeData(exchange, chunk) === false) exchange.downstream.pauseRequest();
  }

  requestEnd(exchange: Exchange, trailers: Headers | null): void {
    exchange.requestEnded = true;
    exchange.requestTrailers = trailers;
    if (exchange.copies !== null) for (const copy of exchange.copies) copy.end();
    if (exchange.phase === 'done') return;
    if (exchange.requestLength !== 0 || exchange.tunnel) exchange.upstream?.end(exchange, trailers);
    if (exchange.tunnel && exchange.responseEnded) this.#finish(exchange);
  }

  upstreamDrained(exchange: Exchange): void {
    exchange.downstream.resumeRequest();
  }

  upstreamFailed(exchange: Exchange, error: ExchangeError): void {
    this.#detach(exchange);
    if (exchange.phase === 'done') return;
    if (exchange.phase === 'answering') return this.#cut(exchange, error);
    if (mayRetryFailure(exchange, error)) return this.#retry(exchange);
    this.#reply(exchange, error);
  }

  #retry(exchange: Exchange): void {
    const failed = exchange.endpoint;
    const pause = retryPause(exchange);
    if (failed !== null && !exchange.reusedConnection) (exchange.triedEndpoints ??= []).push(failed);
    exchange.reusedConnection = false;
    exchange.upstreamResetCode = -1;
    if (pause === 0) return this.#attempt(exchange);
    if (exchange.requestLength !== 0) exchange.downstream.pauseRequest();
    startBackoff(exchange, pause, this.#wheel, this);
  }

  retryDue(exchange: Exchange): void {
    this.#attempt(exchange);
  }

  // 5 response filters

  responseInformational(exchange: Exchange, status: number, headers: Headers): void {
    if (status === 100) exchange.expectsContinue = false;
    exchange.downstream.writeInformational(status, headers);
  }

  responseHead(exchange: Exchange): void {
    if (exchange.route?.retry !== null && mayRetryStatus(exchange)) {
      exchange.upstream?.abort();
      this.#detach(exchange);
      return this.#retry(exchange);
    }
    const objection = this.#objection(exchange);
    if (objection !== null) return this.#refuseAnswer(exchange, objection);
    // Nobody announces the length of such an answer, and a status may follow it in trailers.
    if (exchange.grpc && exchange.responseLength === 0) exchange.responseLength = UNKNOWN_LENGTH;
    exchange.phase = 'answering';
    this.#sendHead(exchange);
    if (exchange.status === 101) this.#startTunnel(exchange);
  }

  /** A caller cannot read what speaks no gRPC; of WebSockets that were asked for at the same time some may be too many. */
  #objection(exchange: Exchange): ExchangeError | null {
    if (exchange.grpc && !answersCall(exchange)) return ERRORS.upstreamNotGrpc;
    return exchange.status === 101 && !this.#webSockets.mayOpen(exchange) ? ERRORS.overloaded : null;
  }

  /** Answers in place of the backend. */
  #refuseAnswer(exchange: Exchange, error: ExchangeError): void {
    exchange.upstream?.abort();
    this.#detach(exchange);
    this.#reply(exchange, error);
  }

  #startTunnel(exchange: Exchange): void {
    stopTimeouts(exchange, this.#wheel);
    exchange.tunnel = true;
    exchange.requestEnded = false;
    if (exchange.upgrade === 'websocket') this.#openWebSocket(exchange);
    exchange.downstream.startTunnel(exchange);
  }

  #openWebSocket(exchange: Exchange): void {
    this.#webSockets.open(exchange);
    this.#recorder.webSocketOpened(exchange);
  }

  downstreamEnding(exchange: Exchange): void {
    this.#webSockets.leave(exchange);
  }

  responseData(exchange: Exchange, chunk: Buffer): void {
    // A tunnel that was closed for what went through it.
    if (exchange.phase === 'done') return;
    exchange.responseBytes += chunk.length;
    if (exchange.webSocket !== null) return this.#webSockets.fromBackend(exchange, exchange.webSocket, chunk);
    if (!exchange.downstream.writeData(exchange, chunk)) exchange.upstream?.pauseResponse();
  }

  responseEnd(exchange: Exchange, trailers: Headers | null): void {
    if (exchange.phase === 'done') return;
    exchange.responseEnded = true;
    if (exchange.grpc) noteStatus(exchange, trailers);
    exchange.downstream.end(exchange, trailers);
    // A tunnel lives until both directions have ended.
    if (!exchange.tunnel || exchange.requestEnded) this.#finish(exchange);
  }

  downstreamDrained(exchange: Exchange): void {
    exchange.upstream?.resumeResponse();
  }

  // The ways out that are nobody's answer

  downstreamFailed(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase === 'done') return;
    exchange.error = error;
    if (exchange.status === 0) exchange.status = error.status;
    if (exchange.grpc) exchange.grpcStatus = failedStatus(exchange, error);
    this.#giveUp(exchange);
    this.#finish(exchange);
  }

  /** A deadline of the route passed. */
  timedOut(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase === 'done') return;
    this.#giveUp(exchange);
    if (exchange.phase === 'answering') return this.#cut(exchange, error);
    if (error === ERRORS.upstreamTimeout && mayRetryFailure(exchange, error)) return this.#retry(exchange);
    this.#reply(exchange, error);
  }

  #reply(exchange: Exchange, error: ExchangeError): void {
    exchange.error = error;
    localReply(exchange, error);
    this.#answerLocally(exchange);
  }

  /** Sends the answer that a filter or an error left in the exchange. */
  #answerLocally(exchange: Exchange): void {
    const body = exchange.localBody;
    exchange.phase = 'answering';
    this.#sendHead(exchange);
    if (body !== null && exchange.method !== 'HEAD') {
      exchange.responseBytes = body.length;
      exchange.downstream.writeData(exchange, body);
    }
    exchange.responseEnded = true;
    exchange.downstream.end(exchange, null);
    this.#finish(exchange);
  }

  #sendHead(exchange: Exchange): void {
    const own = exchange.backend?.responseFilters ?? null;
    if (own !== null) runResponseFilters(own, exchange);
    const shared = exchange.route?.responseFilters ?? null;
    if (shared !== null) runResponseFilters(shared, exchange);
    exchange.headAt = performance.now() - exchange.startedAt;
    exchange.downstream.writeHead(exchange);
  }

  /** The answer began and cannot be completed: the peer must not take it for whole. */
  #cut(exchange: Exchange, error: ExchangeError): void {
    exchange.error = error;
    if (!exchange.grpc) exchange.downstream.abort(exchange);
    else this.#cutCall(exchange, error);
    this.#finish(exchange);
  }

  /** An answer to a call is complete with its status only, so that it can be cut by ending it with another one. */
  #cutCall(exchange: Exchange, error: ExchangeError): void {
    const trailers = statusFields(exchange, failedStatus(exchange, error), error.title);
    if (mayEndWithStatus(exchange)) exchange.downstream.end(exchange, trailers);
    else exchange.downstream.abort(exchange);
  }

  #giveUp(exchange: Exchange): void {
    if (exchange.upstream !== null) exchange.upstream.abort();
    else exchange.pool?.forget(exchange);
    this.#detach(exchange);
  }

  #detach(exchange: Exchange): void {
    if (exchange.attached) (exchange.endpoint as UpstreamEndpoint).active--;
    exchange.attached = false;
    exchange.upstream = null;
  }

  // 6 record

  #finish(exchange: Exchange): void {
    this.#detach(exchange);
    exchange.phase = 'done';
    if (exchange.requestTimer !== null || exchange.attemptTimer !== null || exchange.backoffTimer !== null)
      stopTimeouts(exchange, this.#wheel);
    exchange.replay = null;
    if (exchange.webSocket !== null) exchange.webSocket.end();
    if (exchange.copies !== null) dropCopies(exchange);
    if (!exchange.shadow) this.#recorder.record(exchange);
  }
}

/** Copies whose body is not complete yet never will be. */
function dropCopies(exchange: Exchange): void {
  for (const copy of exchange.copies ?? []) copy.abort();
  exchange.copies = null;
}
