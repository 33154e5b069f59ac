// What the end of an attempt says about its endpoint.
import type { Attempt, AttemptOutcome } from '../../exchange/attempt.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import { statusOfHead } from '../../exchange/grpc.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';

/**
 * `none`: nothing, for example because the client left. `serverError`: an answer with a 5xx. `gatewayError`: one with 502, 503 or 504.
 * `localError`: no valid answer, for example because the connection failed.
 */
export type AttemptResult = 'none' | 'success' | 'serverError' | 'gatewayError' | 'localError';

/** Failures of the exchange that say nothing about the endpoint, or that it means well: it refuses what it has not read. */
const INNOCENT: ReadonlySet<string> = new Set([ERRORS.upstreamRefused, ERRORS.upstreamCannotUpgrade].map(({ code }) => code));

/** The statuses of calls that correspond to statuses of HTTP. */
const RESULT_OF_CALL = new Map<number, AttemptResult>([
  [GRPC_STATUS.unknown, 'serverError'],
  [GRPC_STATUS.internal, 'serverError'],
  [GRPC_STATUS.dataLoss, 'serverError'],
  [GRPC_STATUS.unavailable, 'gatewayError'],
  [GRPC_STATUS.deadlineExceeded, 'gatewayError'],
]);

/** The result of a finished attempt. */
export function resultOf(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): AttemptResult {
  if (outcome === 'failed') return resultOfFailure(attempt, error);
  if (outcome === 'abandoned') return attempt.timedOut ? 'localError' : 'none';
  if (attempt.exchange.grpc) return resultOfCall(attempt, outcome);
  return resultOfStatus(attempt.status);
}

function resultOfFailure(attempt: Attempt, error: ExchangeError | null): AttemptResult {
  if (error === null || error.source !== 'upstream' || INNOCENT.has(error.code)) return 'none';
  // The backend may close a kept connection at any time, so that this says nothing about it.
  return attempt.reused && error.code === ERRORS.upstreamReset.code ? 'none' : 'localError';
}

function resultOfCall({ exchange, status, headers }: Attempt, outcome: AttemptOutcome): AttemptResult {
  const fromHead = statusOfHead(status, headers);
  const call = outcome === 'answered' && fromHead < 0 ? exchange.grpcStatus : fromHead;
  return call < 0 ? 'none' : (RESULT_OF_CALL.get(call) ?? 'success');
}

function resultOfStatus(status: number): AttemptResult {
  if (status === 0) return 'none';
  if (status < 500) return 'success';
  return status >= 502 && status <= 504 ? 'gatewayError' : 'serverError';
}
