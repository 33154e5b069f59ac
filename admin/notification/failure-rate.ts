// The share of calls of the API that failed with 5xx in the last five minutes.
import type { CallListener, EndedCall } from '../api/calls.ts';

const STEP_MS = 30_000;
const STEPS = 10;
/** Fewer failures tell nothing. */
const MIN_FAILED = 5;
const MAX_SHARE = 0.1;

interface Step {
  readonly number: number;
  calls: number;
  failed: number;
}

export class FailureRate implements CallListener {
  readonly #now: () => number;
  #steps: readonly Step[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  ended({ status }: Pick<EndedCall, 'status'>): void {
    const step = this.#current();
    step.calls++;
    if (status >= 500) step.failed++;
  }

  /** One sentence if more than a tenth of the calls failed; null otherwise. */
  get trouble(): string | null {
    const { number } = this.#current();
    const recent = this.#steps.filter((step) => number - step.number < STEPS);
    const [calls, failed] = [recent.reduce((sum, step) => sum + step.calls, 0), recent.reduce((sum, step) => sum + step.failed, 0)];
    if (failed < MIN_FAILED || failed <= calls * MAX_SHARE) return null;
    return `The admin API answers ${failed} of ${calls} requests of the last five minutes with 5xx.`;
  }

  #current(): Step {
    const number = Math.floor(this.#now() / STEP_MS);
    const last = this.#steps.at(-1);
    if (last?.number === number) return last;
    const step: Step = { number, calls: 0, failed: 0 };
    this.#steps = [...this.#steps, step].slice(-STEPS);
    return step;
  }
}
