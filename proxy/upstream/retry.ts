// Decides whether a failed attempt is repeated: always if nothing reached the backend, once if a kept connection closed before its answer,
// and as often as the route allows.
import type { Attempt } from '../exchange/attempt.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { ERRORS } from '../exchange/errors.ts';
import { statusOfHead } from '../exchange/grpc.ts';
import { canReplay, isIdempotent } from './replay.ts';

/** Additional attempts for failures without a retry setting: a closed kept connection, an endpoint that refuses connections. */
const SAFE_RETRIES = 2;

/** Whether to try again after an attempt failed with `error`. Only before the answer starts. */
export function mayRetryFailure(attempt: Attempt, error: ExchangeError): boolean {
  const { exchange } = attempt;
  if (exchange.phase !== 'picked' || !canReplay(exchange)) return false;
  const asked = exchange.route?.retry?.attempts ?? 0;
  if (error.retriable) return exchange.attempts <= Math.max(SAFE_RETRIES, asked);
  if (error === ERRORS.upstreamTimeout) return exchange.attempts <= asked;
  return error === ERRORS.upstreamReset && (exchange.attempts <= asked || diedUnnoticed(attempt));
}

/** The pause before the next attempt: that of the route, but none after a connection that was closed before its use. */
export function retryPause({ reused, exchange }: Attempt): number {
  return reused ? 0 : (exchange.route?.retry?.backoff ?? 0);
}

/** The backend closed a kept connection as it was used: it probably never read the request. */
function diedUnnoticed({ reused, exchange }: Attempt): boolean {
  return reused && isIdempotent(exchange) && exchange.attempts <= SAFE_RETRIES;
}

/** Whether to try again because of the status of the backend's answer (GEP-1731). */
export function mayRetryStatus(attempt: Attempt): boolean {
  const { exchange } = attempt;
  const retry = exchange.route?.retry ?? null;
  if (retry === null || exchange.attempts > retry.attempts || !canReplay(exchange)) return false;
  return retry.codes.includes(attempt.status) || (exchange.grpc && isWorthRepeating(attempt, retry.grpcStatuses));
}

/** A call that failed, with a status as the only answer. */
function isWorthRepeating({ status, headers }: Attempt, statuses: readonly number[] | undefined): boolean {
  return statuses !== undefined && statuses.includes(statusOfHead(status, headers));
}
