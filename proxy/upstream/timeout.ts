// The deadlines of a route (GEP-1742): one for the whole exchange, one for each attempt. Most routes have none, so timers are created on
// demand; pauses and stalls are the timeouts of the codecs.
import type { Attempt } from '../exchange/attempt.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { BAD_DEADLINE, formatTimeout, NO_DEADLINE, parseTimeout } from '../exchange/grpc.ts';
import { setHeader } from '../exchange/headers.ts';
import { askedTimeout } from './asked-timeout.ts';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';

/** Gets the expired deadlines. */
export interface DeadlineListener {
  /** The deadline of the whole exchange has passed. */
  timedOut(exchange: Exchange, error: ExchangeError): void;
  /** The deadline of an attempt has passed. */
  attemptTimedOut(attempt: Attempt): void;
  /** No answer has begun for the delay of the plan's hedging. */
  hedgeDue(exchange: Exchange): void;
  /** The pause between two attempts has ended. */
  retryDue(exchange: Exchange): void;
}

/** The deadline of a whole exchange. One object without a closure, because most gRPC calls have one. */
class Deadline extends Timer {
  readonly #exchange: Exchange;
  readonly #error: ExchangeError;
  readonly #listener: DeadlineListener;

  constructor(exchange: Exchange, error: ExchangeError, listener: DeadlineListener) {
    super(Deadline.#passed);
    this.#exchange = exchange;
    this.#error = error;
    this.#listener = listener;
  }

  static #passed(this: Deadline): void {
    this.#listener.timedOut(this.#exchange, this.#error);
  }
}

/** Starts the deadline of the whole exchange. */
export function startRequestTimeout(exchange: Exchange, wheel: TimerWheel, listener: DeadlineListener): void {
  exchange.requestTimer = new Deadline(exchange, ERRORS.requestTimeout, listener);
  wheel.arm(exchange.requestTimer, exchange.route?.requestTimeout ?? 0);
}

/** Starts a deadline, counted from the arrival of the request: the earlier of the caller's and the route's. False: the caller's is invalid. */
export function startCallerDeadline(exchange: Exchange, wheel: TimerWheel, listener: DeadlineListener): boolean {
  const asked = askedTimeout(exchange);
  const allowed = exchange.route?.requestTimeout ?? 0;
  if (asked === BAD_DEADLINE) return false;
  if (asked === NO_DEADLINE && allowed === 0) return true;
  const isOwn = asked !== NO_DEADLINE && (allowed === 0 || asked <= allowed);
  exchange.deadlineAt = exchange.startedAt + (isOwn ? asked : allowed);
  exchange.requestTimer = new Deadline(exchange, isOwn ? ERRORS.deadlineExceeded : ERRORS.requestTimeout, listener);
  // A deadline that has passed already expires at the next tick.
  wheel.arm(exchange.requestTimer, Math.max(1, exchange.deadlineAt - performance.now()));
  return true;
}

/**
 * Continues with the deadline of another plan, counted from the arrival of the request like the previous one. False: that of the caller is
 * invalid.
 */
export function renewRequestTimeout(exchange: Exchange, wheel: TimerWheel, listener: DeadlineListener): boolean {
  if (exchange.requestTimer !== null) wheel.disarm(exchange.requestTimer);
  exchange.requestTimer = null;
  exchange.deadlineAt = 0;
  if (mayCallerSetDeadline(exchange)) return startCallerDeadline(exchange, wheel, listener);
  const allowed = exchange.route?.requestTimeout ?? 0;
  if (allowed === 0) return true;
  exchange.requestTimer = new Deadline(exchange, ERRORS.requestTimeout, listener);
  wheel.arm(exchange.requestTimer, Math.max(1, exchange.startedAt + allowed - performance.now()));
  return true;
}

/** Whether the deadline of a request depends on its headers. */
export function mayCallerSetDeadline({ grpc, route }: Exchange): boolean {
  return grpc || (route !== null && route.timeoutHeader !== null);
}

/** Sends the backend the remaining time: for the whole request, or for this attempt. */
export function propagateDeadline(attempt: Attempt): void {
  const { exchange } = attempt;
  const now = performance.now();
  const time = timeOfAttempt(exchange, now);
  if (time === Infinity) return;
  const name = exchange.route?.timeoutHeader ?? null;
  if (name !== null) setHeader(exchange.requestHeaders, name, String(Math.max(1, Math.floor(time))));
  if (!exchange.grpc) return;
  const timeout = formatTimeout(time);
  setHeader(exchange.requestHeaders, 'grpc-timeout', timeout);
  attempt.deadlineAt = now + parseTimeout(timeout);
}

function timeOfAttempt({ deadlineAt, route }: Exchange, now: number): number {
  const forAttempt = route?.backendRequestTimeout ?? 0;
  return Math.min(deadlineAt === 0 ? Infinity : deadlineAt - now, forAttempt === 0 ? Infinity : forAttempt);
}

/** The milliseconds up to the deadline of the whole exchange; Infinity without one. */
export function timeLeft({ route, startedAt, deadlineAt }: Exchange): number {
  const allowed = route?.requestTimeout ?? 0;
  if (deadlineAt > 0) return deadlineAt - performance.now();
  return allowed === 0 ? Infinity : startedAt + allowed - performance.now();
}

/** Starts the deadline of one attempt, which ends with the attempt. */
export function startAttemptTimeout(attempt: Attempt, wheel: TimerWheel, listener: DeadlineListener): void {
  attempt.timer = new Timer(() => listener.attemptTimedOut(attempt));
  wheel.arm(attempt.timer, attempt.exchange.route?.backendRequestTimeout ?? 0);
}

/** Starts the pause before the next attempt, `ms` long. */
export function startBackoff(exchange: Exchange, ms: number, wheel: TimerWheel, listener: DeadlineListener): void {
  exchange.backoffTimer ??= new Timer(() => listener.retryDue(exchange));
  wheel.arm(exchange.backoffTimer, ms);
}

/** Stops all timers: those of the exchange, and that of the current attempt. */
export function stopTimeouts(exchange: Exchange, wheel: TimerWheel): void {
  const attemptTimer = exchange.attempt?.timer ?? null;
  if (exchange.requestTimer !== null) wheel.disarm(exchange.requestTimer);
  if (attemptTimer !== null) wheel.disarm(attemptTimer);
  if (exchange.backoffTimer !== null) wheel.disarm(exchange.backoffTimer);
  if (exchange.hedge !== null) wheel.disarm(exchange.hedge.timer);
}
