// Attempts with the same terms that wait for a connection to an endpoint, with limits for their number and time.
import { ERRORS, withDetail } from '../exchange/errors.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { ConnectionTerms } from '../exchange/connection-terms.ts';
import { FairLine } from '../exchange/fair-line.ts';
import type { LineRefusal } from '../exchange/fair-line.ts';
import { PRIORITY_NAMES, priorityOf } from '../exchange/priority.ts';
import type { PoolOptions } from './pool-options.ts';

const REFUSALS = {
  full: withDetail(ERRORS.overloaded, 'queue full'),
  timeout: withDetail(ERRORS.overloaded, 'queue timeout'),
} as const;

export class WaitingLine extends FairLine<Attempt> {
  readonly terms: ConnectionTerms;
  readonly #options: PoolOptions;

  constructor(options: PoolOptions, terms: ConnectionTerms) {
    const { capacity, limits, wheel } = options;
    super({
      timers: wheel,
      timeout: limits.pendingTimeout,
      takePlace: () => capacity.takePending(terms.maxPending),
      givePlace: () => capacity.givePending(),
      refuse: (attempt, cause) => this.#refuse(attempt, cause),
    });
    this.terms = terms;
    this.#options = options;
  }

  /** Adds an attempt. If the line is too long, the least important one fails; if the worker is overloaded, the new one may. */
  override push(attempt: Attempt): void {
    const { events, shedder } = this.#options;
    const refusal = shedder?.active === true ? shedder.refusal(attempt.exchange, 'connect') : null;
    if (refusal !== null) events.upstreamFailed(attempt, refusal);
    else super.push(attempt);
  }

  #refuse(attempt: Attempt, cause: LineRefusal): void {
    attempt.cluster.counts.queueRefused(cause, PRIORITY_NAMES[priorityOf(attempt.exchange)] as string);
    this.#options.events.upstreamFailed(attempt, REFUSALS[cause]);
  }
}
