// Decides which failures and answers are worth another attempt: always if nothing reached the backend, once if a kept connection closed
// before its answer, and those of the route, as often as it allows. The permission for the attempt is in retries.ts.
import type { Attempt } from '../exchange/attempt.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { failedStatus, statusOfHead } from '../exchange/grpc.ts';
import type { RetryPlan, RetryScope } from '../exchange/plan.ts';
import { isIdempotent } from './replay.ts';
import { mayMove } from './vanished.ts';

/** Additional attempts for failures without a retry setting: a closed kept connection, an endpoint that refuses connections. */
const SAFE_RETRIES = 2;

/** Whether the failure `error` of an attempt is worth another one. Only before the answer starts. */
export function isFailureWorthRetry(attempt: Attempt, error: ExchangeError): boolean {
  const { exchange } = attempt;
  if (exchange.phase !== 'picked') return false;
  const retry = exchange.route?.retry ?? null;
  if (error.retriable) return exchange.attempts <= Math.max(SAFE_RETRIES, attemptsWithoutRequest(retry, error));
  if (error === ERRORS.upstreamVanished) return mayMove(attempt);
  if (error === ERRORS.upstreamReset && diedUnnoticed(attempt)) return true;
  return retry !== null && exchange.attempts <= retry.attempts && isRepeatedAfter(exchange, error);
}

/** The attempts that the plan allows after failures that left the backend without the request. */
function attemptsWithoutRequest(retry: RetryPlan | null, error: ExchangeError): number {
  if (retry === null) return 0;
  const named = error.code === ERRORS.upstreamRefused.code ? retry.refused : retry.connect;
  return named ? retry.attempts : 0;
}

/** The backend closed a kept connection as it was used: it probably never read the request. */
function diedUnnoticed({ reused, exchange }: Attempt): boolean {
  return reused && isIdempotent(exchange) && exchange.attempts <= SAFE_RETRIES;
}

/** Whether the plan repeats the request after a failure on its connection, apart from the number of attempts. */
export function isRepeatedAfter(exchange: Exchange, error: ExchangeError): boolean {
  const retry = exchange.route?.retry ?? null;
  if (retry === null) return false;
  const isReset = error === ERRORS.upstreamReset;
  if (!isReset && error !== ERRORS.upstreamTimeout) return false;
  if (includes(isReset ? retry.reset : retry.timeout, exchange)) return true;
  // A caller gets such a failure as a status.
  return exchange.grpc && retry.grpcStatuses.includes(failedStatus(exchange, error));
}

function includes(scope: RetryScope, exchange: Exchange): boolean {
  return scope === 'all' || (scope === 'idempotent' && isIdempotent(exchange));
}

/** Whether the status of the backend's answer is worth another attempt. */
export function isAnswerWorthRetry(attempt: Attempt): boolean {
  const { exchange, status } = attempt;
  const retry = exchange.route?.retry ?? null;
  if (retry === null || exchange.attempts > retry.attempts) return false;
  if (exchange.grpc && retry.grpcStatuses.length > 0 && retry.grpcStatuses.includes(statusOfHead(status, attempt.headers))) return true;
  return hasStatus(retry, exchange, status);
}

/** The statuses of backends that do not work. */
const SERVER_ERROR = 5;

/** Whether an answer is good enough to stop other attempts for it. */
export function isUsable(attempt: Attempt): boolean {
  const { exchange, status, headers } = attempt;
  const retry = exchange.route?.retry ?? null;
  if (Math.floor(status / 100) === SERVER_ERROR || retry?.codes.includes(status) === true) return false;
  return !exchange.grpc || retry === null || !retry.grpcStatuses.includes(statusOfHead(status, headers));
}

function hasStatus({ codes, safeCodes, serverErrors }: RetryPlan, exchange: Exchange, status: number): boolean {
  if (codes.includes(status) || (serverErrors && Math.floor(status / 100) === SERVER_ERROR)) return true;
  return safeCodes.includes(status) && isIdempotent(exchange);
}
