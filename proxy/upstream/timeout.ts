// The deadlines a route may set (GEP-1742): one over the whole exchange, one over each attempt. Most routes set none, so the
// timers are made only for those that do; silence and stalls are the codecs' timeouts.
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';

/** Who is told. */
export interface DeadlineListener {
  timedOut(exchange: Exchange, error: ExchangeError): void;
  /** The pause between two attempts is over. */
  retryDue(exchange: Exchange): void;
}

/** Starts the deadline of the whole exchange. */
export function startRequestTimeout(exchange: Exchange, wheel: TimerWheel, listener: DeadlineListener): void {
  exchange.requestTimer = new Timer(() => listener.timedOut(exchange, ERRORS.requestTimeout));
  wheel.arm(exchange.requestTimer, exchange.route?.requestTimeout ?? 0);
}

/** Starts the deadline of one attempt; replaces that of the attempt before. */
export function startAttemptTimeout(exchange: Exchange, wheel: TimerWheel, listener: DeadlineListener): void {
  exchange.attemptTimer ??= new Timer(() => listener.timedOut(exchange, ERRORS.upstreamTimeout));
  wheel.arm(exchange.attemptTimer, exchange.route?.backendRequestTimeout ?? 0);
}

/** Stops the deadline of the attempt that is over and starts the pause before the next, `ms` long. */
export function startBackoff(exchange: Exchange, ms: number, wheel: TimerWheel, listener: DeadlineListener): void {
  if (exchange.attemptTimer !== null) wheel.disarm(exchange.attemptTimer);
  exchange.backoffTimer ??= new Timer(() => listener.retryDue(exchange));
  wheel.arm(exchange.backoffTimer, ms);
}

/** Stops them all. */
export function stopTimeouts(exchange: Exchange, wheel: TimerWheel): void {
  if (exchange.requestTimer !== null) wheel.disarm(exchange.requestTimer);
  if (exchange.attemptTimer !== null) wheel.disarm(exchange.attemptTimer);
  if (exchange.backoffTimer !== null) wheel.disarm(exchange.backoffTimer);
}
