// Permits another attempt where one is worth it (retry.ts): the body must be there to send again, and the pause before must fit.
import type { Attempt } from '../exchange/attempt.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { RetryObstacle } from '../exchange/exchange.ts';
import type { RetryPlan } from '../exchange/plan.ts';
import { canReplay } from './replay.ts';
import { isAnswerWorthRetry, isFailureWorthRetry } from './retry.ts';
import { pauseAskedFor } from './retry-after.ts';
import { timeLeft } from './timeout.ts';

export class Retries {
  readonly #random: () => number;

  /** `random`: from 0 up to 1, for the pauses. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Whether another attempt follows the failure `error`, and after which pause (`attempt.pause`). */
  afterFailure(attempt: Attempt, error: ExchangeError): boolean {
    return isFailureWorthRetry(attempt, error) && this.#permit(attempt, error.code, 0);
  }

  /** Whether another attempt follows in place of the answer whose head has arrived. */
  afterAnswer(attempt: Attempt): boolean {
    return isAnswerWorthRetry(attempt) && this.#permit(attempt, String(attempt.status), pauseAskedFor(attempt));
  }

  /** `asked`: the pause that the backend asks for, milliseconds. */
  #permit(attempt: Attempt, reason: string, asked: number): boolean {
    const { exchange } = attempt;
    const { counts } = attempt.cluster;
    attempt.pause = Math.max(asked, this.#backoff(attempt));
    const obstacle = obstacleOf(attempt, asked);
    if (obstacle !== null) {
      exchange.retryWithheld = obstacle;
      counts.retryWithheld(obstacle);
      return false;
    }
    (exchange.retryReasons ??= []).push(reason);
    counts.retried(reason);
    return true;
  }

  /** No pause after a connection that was closed before its use: the endpoint has done nothing yet. */
  #backoff({ reused, exchange }: Attempt): number {
    const retry = exchange.route?.retry ?? null;
    return retry === null || reused ? 0 : backoff(retry, exchange.attempts, this.#random());
  }
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
