// The adaptive limits of a backend: one for each distinct setting of its users, all fed by every attempt.
import type { Attempt, AttemptListener, AttemptOutcome } from '../../exchange/attempt.ts';
import { resultOf } from '../health/attempt-result.ts';
import { GradientLimit } from './gradient-limit.ts';
import type { GradientSettings } from './gradient-limit.ts';
import type { Load } from './load.ts';

export class AdaptiveLimits implements AttemptListener {
  readonly #load: Load;
  readonly #limits = new Map<string, GradientLimit>();

  constructor(load: Load) {
    this.#load = load;
  }

  /** The highest limit; 0 if no use of the backend has one. */
  get highest(): number {
    return Math.max(0, ...Array.from(this.#limits.values(), ({ limit }) => limit));
  }

  /** The limit with these settings, created at its first use. `settings`: the share of this worker. */
  of(settings: GradientSettings): GradientLimit {
    const id = JSON.stringify(settings);
    let limit = this.#limits.get(id);
    if (limit === undefined) this.#limits.set(id, (limit = new GradientLimit(settings)));
    return limit;
  }

  /** Keeps the limits with these settings only. */
  keep(settings: Iterable<GradientSettings>): void {
    const wanted = new Set(Array.from(settings, (each) => JSON.stringify(each)));
    for (const id of this.#limits.keys()) if (!wanted.has(id)) this.#limits.delete(id);
  }

  attemptEnded(attempt: Attempt, outcome: AttemptOutcome): void {
    // Without a connection it said nothing about the backend.
    if (this.#limits.size === 0 || attempt.sentAt === 0) return;
    const { sentAt, headAt, endedAt } = attempt;
    const parallel = this.#load.unanswered + (headAt > 0 ? 1 : 0);
    // The rest of the answer may still have failed: the time to its head is true.
    const succeeded = headAt > 0 && resultOf(attempt, outcome === 'answered' ? outcome : 'declined', null) === 'success';
    for (const limit of this.#limits.values()) {
      if (succeeded) limit.answered(sentAt, headAt, parallel);
      else limit.failed(sentAt, headAt > 0 ? headAt : endedAt, parallel);
    }
  }
}
