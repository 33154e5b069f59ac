// Tells the circuit breakers of a cluster, and those of its endpoints, about attempts: whichever rule they come from.
import type { Attempt, AttemptListener, AttemptOutcome } from '../../exchange/attempt.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Endpoint } from '../endpoint.ts';
import { resultOf } from '../health/attempt-result.ts';
import type { Breakers } from './breakers.ts';

export class BreakerFeed implements AttemptListener {
  readonly #breakers: Breakers;

  /** `breakers`: of the cluster. */
  constructor(breakers: Breakers) {
    this.#breakers = breakers;
  }

  attemptBegan(attempt: Attempt): void {
    if (this.#breakers.inUse) this.#breakers.began(attempt);
    const ofEndpoint = breakersOf(attempt);
    if (ofEndpoint.inUse) ofEndpoint.began(attempt);
  }

  attemptEnded(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void {
    const ofEndpoint = breakersOf(attempt);
    if (!this.#breakers.inUse && !ofEndpoint.inUse) return;
    const result = resultOf(attempt, outcome, error);
    const succeeded = result === 'none' ? null : result === 'success';
    const ms = attempt.headAt > 0 ? attempt.headAt - attempt.sentAt : -1;
    this.#breakers.ended(attempt, succeeded, ms);
    ofEndpoint.ended(attempt, succeeded, ms);
  }
}

/** Every endpoint that a cluster chooses is one of its own. */
function breakersOf({ endpoint }: Attempt): Breakers {
  return (endpoint as Endpoint).breakers;
}
