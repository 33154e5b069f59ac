// The change to the fallback of a policy: another backend gets a request that its own backend does not answer. It happens once, before
// the fixed answer of the policy (exchange/fallback.ts).
import type { Attempt } from '../exchange/attempt.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { BackendPlan, UpstreamCluster } from '../exchange/plan.ts';
import type { Attempts } from './attempts.ts';
import { canReplay, isIdempotent } from './replay.ts';
import { isRepeatedAfter } from './retry.ts';

/**
 * Makes the fallback the backend of the exchange, which has no further attempt at its own. `failed`: the attempt with the error; null if
 * none could begin. False: there is no fallback for this failure.
 */
export function changeOver(exchange: Exchange, failed: Attempt | null, error: ExchangeError, attempts: Attempts): boolean {
  const fallback = exchange.route === null ? null : exchange.route.fallbackBackend;
  if (fallback === null || error.source !== 'upstream' || !isMovable(exchange) || !isSafe(exchange, failed, error)) return false;
  const cluster = clusterOf(exchange);
  if (cluster === fallback.cluster) return false;
  attempts.stopAll(exchange);
  attempts.hedges.leave(exchange);
  exchange.attemptsBefore = exchange.attempts;
  exchange.triedEndpoints = null;
  exchange.session = null;
  exchange.backend = fallback;
  exchange.route = fallback.route;
  (exchange.retryReasons ??= []).push('fallback');
  cluster.counts.retried('fallback');
  return true;
}

function clusterOf({ backend }: Exchange): UpstreamCluster {
  return (backend as BackendPlan).cluster as UpstreamCluster;
}

/** No answer has begun, all of the body that was sent is kept, and a client waits for the answer. */
function isMovable(exchange: Exchange): boolean {
  return exchange.phase === 'picked' && !exchange.shadow && canReplay(exchange);
}

/** The backend has not received the request, or may get it twice. */
function isSafe(exchange: Exchange, failed: Attempt | null, error: ExchangeError): boolean {
  if (failed === null || failed.sentAt === 0 || error.retriable) return true;
  return isIdempotent(exchange) || isRepeatedAfter(exchange, error);
}
