// Permits another attempt where one is worth it (retry.ts): the body must be there to send again, the pause before must fit, and the budget
// of the backend must have room.
import type { Attempt } from '../exchange/attempt.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { RetryObstacle } from '../exchange/exchange.ts';
import type { RetryPlan, RoutePlan } from '../exchange/plan.ts';
import { canReplay } from './replay.ts';
import { isAnswerWorthRetry, isFailureWorthRetry } from './retry.ts';
import { pauseAskedFor } from './retry-after.ts';
import { timeLeft } from './timeout.ts';

export interface RetriesOptions {
  /** The workers of the proxy, which share the least number of retries; 1 by default. */
  readonly workers?: number | undefined;
  /** From 0 up to 1, for the pauses. */
  readonly random?: () => number;
}

export class Retries {
  readonly #workers: number;
  readonly #random: () => number;

  constructor({ workers = 1, random = Math.random }: RetriesOptions = {}) {
    this.#workers = workers;
    this.#random = random;
  }

  /** Whether another attempt follows the failure `error`, and after which pause (`attempt.pause`). */
  afterFailure(attempt: Attempt, error: ExchangeError): boolean {
    return isFailureWorthRetry(attempt, error) && this.#permit(attempt, error.code, 0, isUnreachable(attempt, error));
  }

  /** Whether another attempt follows in place of the answer whose head has arrived. */
  afterAnswer(attempt: Attempt): boolean {
    return isAnswerWorthRetry(attempt) && this.#permit(attempt, String(attempt.status), pauseAskedFor(attempt), false);
  }

  /** `asked`: the pause that the backend asks for, milliseconds. `free`: the attempt is not taken out of the budget. */
  #permit(attempt: Attempt, reason: string, asked: number, free: boolean): boolean {
    const { exchange } = attempt;
    const { counts } = attempt.cluster;
    attempt.pause = Math.max(asked, this.#backoff(attempt));
    // The budget is last: what it gives is spent.
    const obstacle =
      obstacleOf(attempt, asked) ??
      (attempt.cluster.gate?.mayRepeat === false ? 'limit' : null) ??
      (free || this.#takeBudget(attempt) ? null : 'budget');
    if (obstacle !== null) {
      exchange.retryWithheld = obstacle;
      counts.retryWithheld(obstacle);
      return false;
    }
    (exchange.retryReasons ??= []).push(reason);
    counts.retried(reason);
    return true;
  }

  /** Whether the budget has room for an attempt beside this one. */
  beside(attempt: Attempt): boolean {
    const { exchange, cluster } = attempt;
    if (this.#takeBudget(attempt)) {
      (exchange.retryReasons ??= []).push('hedge');
      return true;
    }
    exchange.retryWithheld = 'budget';
    cluster.counts.retryWithheld('budget');
    return false;
  }

  /** Takes an attempt beyond the first out of the budget of the backend. False: there is no room. */
  #takeBudget({ cluster, exchange }: Attempt): boolean {
    return cluster.retryBudget.take((exchange.route as RoutePlan).retryBudget, this.#workers);
  }

  /** No pause after a connection that was closed before its use: the endpoint has done nothing yet. */
  #backoff({ reused, exchange }: Attempt): number {
    const retry = exchange.route?.retry ?? null;
    return retry === null || reused ? 0 : backoff(retry, exchange.attempts, this.#random());
  }
}

/** The endpoint cannot be reached and others can: that costs the backend nothing, and must not cost clients anything. */
function isUnreachable({ cluster }: Attempt, error: ExchangeError): boolean {
  if (error === ERRORS.upstreamVanished) return true;
  return error.retriable && error.code !== ERRORS.upstreamRefused.code && !cluster.refusing;
}

function obstacleOf({ exchange, pause }: Attempt, asked: number): RetryObstacle | null {
  if (!canReplay(exchange)) return 'body';
  if (asked > (exchange.route?.retry?.maxRetryAfter ?? 0)) return 'retry_after';
  return pause >= timeLeft(exchange) ? 'deadline' : null;
}

/**
 * The pause after the attempt of a number, from 1: at least `backoff` (GEP-1731), and up to twice that, four times and so on. Clients that
 * failed together then do not return together.
 */
function backoff({ backoff: least, maxBackoff }: RetryPlan, attempt: number, random: number): number {
  const most = Math.min(maxBackoff, least * 2 ** Math.min(attempt, 30));
  const from = Math.max(least, most / 2);
  return from + random * (most - from);
}
