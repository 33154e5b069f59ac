// A request to the backend that answers several clients: those that come later wait for it, and read its answer as it arrives.
import type { ExchangeError } from '../exchange/errors.ts';
import type { SharedBody } from './shared-body.ts';
import type { StoredAnswer } from './stored-answer.ts';

/** The head of an answer on its way. */
export interface SharedHead {
  readonly status: number;
  readonly headers: readonly string[];
  /** Of the body; UNKNOWN_LENGTH if it is not announced. */
  readonly length: number;
  readonly varyNames: readonly string[];
  readonly variant: string;
}

/**
 * The end of a wait. `answer`: the answer arrives. `stored`: it is in the store. `failed`: the backend gave none. `alone`: each goes to the
 * backend itself.
 */
export type FlightOutcome =
  | { readonly type: 'answer'; readonly head: SharedHead; readonly body: SharedBody }
  | { readonly type: 'stored'; readonly answer: StoredAnswer; readonly isStale: boolean }
  | { readonly type: 'failed'; readonly error: ExchangeError }
  | { readonly type: 'alone' };

export class Flight {
  readonly #waiters = new Set<(outcome: FlightOutcome) => void>();
  readonly #over: () => void;
  #outcome: FlightOutcome | null = null;

  /** `over`: it takes no more waiters. */
  constructor(over: () => void) {
    this.#over = over;
  }

  /** The clients that wait for its head. */
  get waiters(): number {
    return this.#waiters.size;
  }

  /** Whether anybody besides the first client needs the answer. */
  get isAwaited(): boolean {
    const outcome = this.#outcome;
    return this.#waiters.size > 0 || (outcome?.type === 'answer' && outcome.body.readers > 1);
  }

  /** The names by which its answer varies; null: they are not known yet. */
  get varyNames(): readonly string[] | null {
    return this.#outcome?.type === 'answer' ? this.#outcome.head.varyNames : null;
  }

  /** Resolves to the outcome; stays open once the signal is aborted. */
  wait(signal: AbortSignal): Promise<FlightOutcome> {
    if (this.#outcome !== null) return Promise.resolve(this.#outcome);
    return new Promise((resolve) => {
      this.#waiters.add(resolve);
      signal.addEventListener('abort', () => this.#waiters.delete(resolve), { once: true });
    });
  }

  /** Wakes all waiting requests. Only the first call has an effect. */
  decide(outcome: FlightOutcome): void {
    if (this.#outcome !== null) return;
    this.#outcome = outcome;
    if (outcome.type !== 'answer') this.#over();
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake(outcome);
  }

  /** No request may join any more: the answer is complete, or its beginning is gone. */
  close(): void {
    this.#over();
  }
}
