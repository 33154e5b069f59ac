// Chooses endpoints for exchanges and manages every attempt: its start, the decision about another attempt, and its end.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { Attempt } from '../exchange/attempt.ts';
import type { AttemptOutcome } from '../exchange/attempt.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { ExchangeEvents } from '../exchange/exchange-events.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Limits } from '../exchange/limits.ts';
import type { BackendPlan, GateListener, RoutePlan, Transport, UpstreamCluster, UpstreamEndpoint } from '../exchange/plan.ts';
import { presenting } from '../exchange/presenting.ts';
import { Hedges } from './hedges.ts';
import { sentKept } from './replay.ts';
import { mayCallerSetDeadline, propagateDeadline, startAttemptTimeout, startBackoff } from './timeout.ts';
import type { DeadlineListener } from './timeout.ts';

const NONE: readonly UpstreamEndpoint[] = Object.freeze([]);

export interface AttemptsOptions {
  readonly wheel: TimerWheel;
  readonly limits: Pick<Limits, 'maxReplayBytes'>;
  /** Gets expired deadlines, ended pauses and ended waits. */
  readonly deadlines: DeadlineListener & GateListener;
  readonly events: ExchangeEvents;
}

export class Attempts {
  readonly #wheel: TimerWheel;
  readonly #limits: Pick<Limits, 'maxReplayBytes'>;
  readonly #deadlines: DeadlineListener & GateListener;
  readonly #events: ExchangeEvents;
  readonly hedges: Hedges;

  constructor({ wheel, limits, deadlines, events }: AttemptsOptions) {
    this.#wheel = wheel;
    this.#limits = limits;
    this.#deadlines = deadlines;
    this.#events = events;
    this.hedges = new Hedges(wheel, deadlines);
  }

  /** Sends the request to an endpoint of the chosen backend, now or when there is room. Returns null, or the error if that cannot be. */
  begin(exchange: Exchange): ExchangeError | null {
    const { gate } = clusterOf(exchange);
    if (gate === null) return this.proceed(exchange);
    const verdict = gate.enter(exchange, this.#deadlines);
    if (verdict === null) return this.proceed(exchange);
    if (verdict !== 'waits') return verdict;
    if (exchange.requestLength !== 0) exchange.downstream.pauseRequest();
    return null;
  }

  /** Sends the request to an endpoint of the chosen backend. Returns null, or the error if no endpoint can get it. */
  proceed(exchange: Exchange): ExchangeError | null {
    const cluster = clusterOf(exchange);
    const endpoint = cluster.pick(exchange.triedEndpoints ?? NONE, exchange);
    if (endpoint === null) return cluster.lack;
    this.#start(exchange, cluster, endpoint, false);
    return null;
  }

  /** Sends the request to another endpoint too, if there is one and `permit` agrees, which gets the attempt that is late. */
  hedge(exchange: Exchange, permit: (late: Attempt) => boolean): void {
    if (!this.hedges.mayStart(exchange)) return;
    const late = exchange.attempt as Attempt;
    if (late.cluster.gate?.hasRoom === false) return;
    const tried = (exchange.triedEndpoints ??= []);
    tried.push(late.endpoint);
    const endpoint = late.cluster.pick(tried, exchange);
    if (endpoint === null || tried.includes(endpoint) || !permit(late)) return;
    tried.push(endpoint);
    this.#start(exchange, late.cluster, endpoint, true);
  }

  #start(exchange: Exchange, cluster: UpstreamCluster, endpoint: UpstreamEndpoint, hedged: boolean): void {
    const { backendRequestTimeout, hedge } = exchange.route as RoutePlan;
    const attempt = new Attempt(exchange, cluster, endpoint, endpoint.pool(transportOf(exchange, cluster)));
    attempt.beganAt = turnTime();
    attempt.hedged = hedged;
    exchange.attempt = attempt;
    if (attempt.number === 1) cluster.retryBudget.requested();
    endpoint.active++;
    cluster.attemptBegan(attempt);
    if (exchange.requestLength !== 0 && !exchange.requestBodyEnded) exchange.downstream.pauseRequest();
    if (backendRequestTimeout > 0) startAttemptTimeout(attempt, this.#wheel, this.#deadlines);
    if (mayCallerSetDeadline(exchange)) propagateDeadline(attempt);
    if (hedge !== null) this.hedges.begun(attempt, hedge);
    const { attemptBegan } = this.#events;
    if (attemptBegan !== null && !exchange.shadow) attemptBegan(attempt);
    attempt.pool.send(attempt);
  }

  /** Starts another attempt after a finished one: now, or after a pause that ends with `retryDue`. Returns the result of `begin`. */
  repeat(attempt: Attempt): ExchangeError | null {
    const { exchange, endpoint, pause } = attempt;
    if (!attempt.reused) (exchange.triedEndpoints ??= []).push(endpoint);
    if (pause === 0) return this.begin(exchange);
    if (exchange.requestLength !== 0) exchange.downstream.pauseRequest();
    startBackoff(exchange, pause, this.#wheel, this.#deadlines);
    return null;
  }

  /** The attempt has a connection: sends the received part of the body and resumes the rest. */
  ready({ exchange, stream }: Attempt): void {
    if (stream === null) return;
    if (exchange.replay !== null && exchange.replay.octets > 0) {
      for (const chunk of exchange.replay.pieces) stream.writeData(chunk);
      sentKept(exchange, this.#limits.maxReplayBytes);
    }
    if (exchange.requestBodyEnded) stream.end(exchange.requestTrailers);
    else if (exchange.shaping?.request.waits !== true) exchange.downstream.resumeRequest();
  }

  /** Stops the current attempt, if any: as it waits for a connection, or on its connection. */
  stop(attempt: Attempt | null, outcome: AttemptOutcome): void {
    if (attempt === null || attempt.ended) return;
    if (attempt.stream !== null) attempt.stream.abort();
    else attempt.pool.forget(attempt);
    this.ended(attempt, outcome, null);
  }

  /** Stops all attempts of an exchange. */
  stopAll(exchange: Exchange): void {
    if (exchange.hedge !== null) this.#stopEach([...exchange.hedge.attempts]);
    this.stop(exchange.attempt, 'abandoned');
  }

  /** The answer of the attempt is accepted: the others are cancelled. */
  won(attempt: Attempt): void {
    if (attempt.exchange.hedge !== null) this.#stopEach(this.hedges.won(attempt));
  }

  #stopEach(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) this.stop(attempt, 'abandoned');
  }

  /** Records the end of an attempt, once. `error`: the failure; null for every other outcome. */
  ended(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void {
    if (attempt.ended) return;
    attempt.ended = true;
    attempt.endedAt = turnTime();
    attempt.stream = null;
    attempt.endpoint.active--;
    if (attempt.timer !== null) this.#wheel.disarm(attempt.timer);
    if (attempt.exchange.hedge !== null) this.hedges.ended(attempt, outcome);
    attempt.cluster.attemptEnded(attempt, outcome, error);
    const { attemptEnded } = this.#events;
    if (attemptEnded !== null && !attempt.exchange.shadow) attemptEnded(attempt, outcome, error);
  }
}

function clusterOf({ backend }: Exchange): UpstreamCluster {
  return (backend as BackendPlan).cluster as UpstreamCluster;
}

/** The transport to the endpoint: that of the cluster, with changes of the route or the Gateway. */
function transportOf({ route, clientIdentity, translation }: Exchange, cluster: UpstreamCluster): Transport {
  const { proxyProtocol } = route as RoutePlan;
  const protocol = translation === null ? (route as RoutePlan).protocol : 'http2';
  const transport = protocol === null && proxyProtocol === 0 ? cluster.transport : cluster.transportIn(protocol, proxyProtocol);
  return transport.tls === null || clientIdentity === null ? transport : presenting(transport, clientIdentity);
}
