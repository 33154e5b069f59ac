// How attempts to have a request answered ended, counted.
import type { Attempt, AttemptOutcome } from '../exchange/attempt.ts';

export class AttemptCounts {
  readonly byOutcome: Record<AttemptOutcome, number> = { answered: 0, declined: 0, abandoned: 0, failed: 0 };

  attemptEnded(_attempt: Attempt, outcome: AttemptOutcome): void {
    this.byOutcome[outcome]++;
  }
}
