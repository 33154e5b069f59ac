// The deadlines of a route (GEP-1742): one for the whole exchange, one for each attempt. Most routes have none, so timers are created on
// demand; pauses and stalls are the timeouts of the codecs.
import type { Attempt } from '../exchange/attempt.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { BAD_DEADLINE, callTimeout, formatTimeout, NO_DEADLINE, parseTimeout } from '../exchange/grpc.ts';
import { setHeader } from '../exchange/headers.ts';
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

/** Starts the deadline of a call, counted from its arrival: the earlier of the caller's and the route's. False: the caller's is invalid. */
export function startCallDeadline(exchange: Exchange, wheel: TimerWheel, listener: DeadlineListener): boolean {
  const asked = callTimeout(exchange.requestHeaders);
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

/** Continues with the deadline of another plan, counted from the arrival of the request like the previous one. */
export function renewRequestTimeout(exchange: Exchange, wheel: TimerWheel, listener: DeadlineListener): void {
  if (exchange.requestTimer !== null) wheel.disarm(exchange.requestTimer);
  exchange.requestTimer = null;
  exchange.deadlineAt = 0;
  if (exchange.grpc) {
    // It was valid at the arrival of the call.
    startCallDeadline(exchange, wheel, listener);
    return;
  }
  const allowed = exchange.route?.requestTimeout ?? 0;
  if (allowed === 0) return;
  exchange.requestTimer = new Deadline(exchange, ERRORS.requestTimeout, listener);
  wheel.arm(exchange.requestTimer, Math.max(1, exchange.startedAt + allowed - performance.now()));
}

/** Sends the backend the remaining time: for the whole call, or for this attempt. */
export function propagateDeadline(attempt: Attempt): void {
  const { exchange } = attempt;
  const forAttempt = exchange.route?.backendRequestTimeout ?? 0;
  if (exchange.deadlineAt === 0 && forAttempt === 0) return;
  const now = performance.now();
  const left = exchange.deadlineAt === 0 ? forAttempt : exchange.deadlineAt - now;
  const timeout = formatTimeout(forAttempt === 0 ? left : Math.min(left, forAttempt));
  setHeader(exchange.requestHeaders, 'grpc-timeout', timeout);
  attempt.deadlineAt = now + parseTimeout(timeout);
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
