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

/** Stops both. */
export function stopTimeouts(exchange: Exchange, wheel: TimerWheel): void {
  if (exchange.requestTimer !== null) wheel.disarm(exchange.requestTimer);
  if (exchange.attemptTimer !== null) wheel.disarm(exchange.attemptTimer);
}
