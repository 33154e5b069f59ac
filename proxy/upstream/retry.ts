// Whether a failed attempt may be repeated: always when nothing reached the backend, once when a kept connection died before
// it answered, and as often as the route says.
import type { Attempt } from '../exchange/attempt.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { ERRORS } from '../exchange/errors.ts';
import { statusOfHead } from '../exchange/grpc.ts';
import { canReplay, isIdempotent } from './replay.ts';

/** Attempts beyond the first for failures of our own making: a dead kept connection, an endpoint that refuses connections. */
const SAFE_RETRIES = 2;

/** Whether to try again after an attempt failed with `error`. Only ever before the answer began. */
export function mayRetryFailure(attempt: Attempt, error: ExchangeError): boolean {
  const { exchange } = attempt;
  if (exchange.phase !== 'picked' || !canReplay(exchange)) return false;
  const asked = exchange.route?.retry?.attempts ?? 0;
  if (error.retriable) return exchange.attempts <= Math.max(SAFE_RETRIES, asked);
  if (error === ERRORS.upstreamTimeout) return exchange.attempts <= asked;
  return error === ERRORS.upstreamReset && (exchange.attempts <= asked || diedUnnoticed(attempt));
}

/** How long to wait before the next attempt: what the route asks for, but not for a connection that was dead before it was used. */
export function retryPause({ reused, exchange }: Attempt): number {
  return reused ? 0 : (exchange.route?.retry?.backoff ?? 0);
}

/** A kept connection that the backend closed just as it was used: the request was most likely never read. */
function diedUnnoticed({ reused, exchange }: Attempt): boolean {
  return reused && isIdempotent(exchange) && exchange.attempts <= SAFE_RETRIES;
}

/** Whether to try again because of the status the backend answered with (GEP-1731). */
export function mayRetryStatus(attempt: Attempt): boolean {
  const { exchange } = attempt;
  const retry = exchange.route?.retry ?? null;
  if (retry === null || exchange.attempts > retry.attempts || !canReplay(exchange)) return false;
  return retry.codes.includes(attempt.status) || (exchange.grpc && isWorthRepeating(attempt, retry.grpcStatuses));
}

/** A call that failed before it was told anything else than that. */
function isWorthRepeating({ status, headers }: Attempt, statuses: readonly number[] | undefined): boolean {
  return statuses !== undefined && statuses.includes(statusOfHead(status, headers));
}
