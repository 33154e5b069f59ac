// The first phase of an exchange: finds its route, or the reason why it gets none, and starts its deadline.
import type { ChallengeTexts } from './exchange/challenge-texts.ts';
import type { Endings } from './endings.ts';
import { ERRORS } from './exchange/errors.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { ExchangeEvents } from './exchange/exchange-events.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Hop } from './exchange/hop.ts';
import { reply } from './exchange/local-reply.ts';
import type { OperatorBlocks } from './exchange/operator-blocks.ts';
import type { RoutePlan } from './exchange/plan.ts';
import type { Shedder } from './exchange/shedder.ts';
import type { Runtime } from './runtime/runtime.ts';
import { setForwarded } from './upstream/forwarded.ts';
import { mayCallerSetDeadline, startCallerDeadline, startRequestTimeout } from './upstream/timeout.ts';
import type { DeadlineListener } from './upstream/timeout.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';

export interface AdmissionOptions {
  /** The runtime for new exchanges; each takes it once. */
  readonly runtime: () => Runtime;
  readonly endings: Pick<Endings, 'reply' | 'answerLocally'>;
  readonly events: ExchangeEvents;
  readonly wheel: TimerWheel;
  readonly deadlines: DeadlineListener;
  readonly hop: Hop;
  readonly shedder: Shedder;
  /** The answers to challenges of certificate authorities. */
  readonly challenges: ChallengeTexts;
  /** What operators block. */
  readonly refused: OperatorBlocks;
  /** Takes malformed requests. */
  readonly malformed: { met(exchange: Exchange): void };
}

export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** The route of a request; null: the request is answered. */
  route(exchange: Exchange): RoutePlan | null {
    const { endings, shedder } = this.#options;
    // Before everything that a route or policy asks of clients: the certificate authority can fulfil none of it.
    if (this.#answersChallenge(exchange)) return null;
    const runtime = this.#options.runtime();
    const route = this.#match(exchange, runtime);
    if (route === null) return null;
    const refusal = route.error ?? (shedder.active ? shedder.refusal(exchange, 'head') : null) ?? this.#admit(exchange, route);
    if (refusal === null) return route;
    endings.reply(exchange, refusal);
    return null;
  }

  /** Tells of a malformed request, unless its peer may send requests of others. */
  malformed(exchange: Exchange): void {
    const { runtime, malformed } = this.#options;
    if (runtime().isClient(exchange.connection)) malformed.met(exchange);
  }

  #answersChallenge(exchange: Exchange): boolean {
    const { challenges, endings } = this.#options;
    const text = exchange.connection.tls === null ? challenges.textFor(exchange) : null;
    if (text === null) return false;
    reply(exchange, 200, ['content-type', 'application/octet-stream', 'cache-control', 'no-store'], text);
    endings.answerLocally(exchange);
    return true;
  }

  #match(exchange: Exchange, runtime: Runtime): RoutePlan | null {
    const refusal = this.#refusalOfClient(exchange, runtime);
    if (refusal !== null) return this.#refuse(exchange, runtime, refusal);
    // Before routes and filters: neither may depend on values of an untrusted peer, and a route may set these headers on purpose.
    setForwarded(exchange);
    const route = runtime.match(exchange);
    if (route === null) return this.#refuse(exchange, runtime, runtime.mismatch(exchange));
    exchange.route = route;
    exchange.telemetry = route.telemetry;
    this.#options.events.matched?.(exchange);
    return route;
  }

  /** Answers a request that gets no route. */
  #refuse(exchange: Exchange, runtime: Runtime, error: ExchangeError): null {
    runtime.filterRefusal(exchange);
    this.#options.events.matched?.(exchange);
    this.#options.endings.reply(exchange, error);
    return null;
  }

  /** Why requests of the client are refused, whatever they ask for; null: they are not. */
  #refusalOfClient(exchange: Exchange, runtime: Runtime): ExchangeError | null {
    if (!runtime.identify(exchange)) return ERRORS.clientUnknown;
    return this.#options.refused.hasClient(exchange) ? ERRORS.requestBlocked : null;
  }

  /** Starts the deadline of the request; an error if that of the caller is invalid. */
  #admit(exchange: Exchange, route: RoutePlan): ExchangeError | null {
    const { hop, wheel, deadlines } = this.#options;
    // After the match, which uses the path of the client.
    hop.request(exchange);
    if (mayCallerSetDeadline(exchange)) return startCallerDeadline(exchange, wheel, deadlines) ? null : ERRORS.deadlineMalformed;
    if (route.requestTimeout > 0) startRequestTimeout(exchange, wheel, deadlines);
    return null;
  }
}
