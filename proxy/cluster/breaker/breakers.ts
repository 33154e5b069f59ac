// The circuit breakers of one backend or of one endpoint, by their settings: each distinct setting of its users has one.
import type { Attempt } from '../../exchange/attempt.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { BreakerSettings } from './breaker-settings.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { BreakerCause, BreakerState } from './circuit-breaker.ts';

const WORST_FIRST: readonly BreakerState[] = ['open', 'half-open', 'closed'];

export interface BreakersOptions {
  readonly timers: Pick<TimerWheel, 'arm' | 'disarm'>;
  /** A breaker, by its id, changed in this worker: not by the word of another. */
  readonly tell: (id: string, state: BreakerState, cause: BreakerCause | null) => void;
  /** Whether requests may pass has changed, for whatever reason. */
  readonly changed: () => void;
}

export class Breakers {
  readonly #options: BreakersOptions;
  readonly #breakers = new Map<string, CircuitBreaker>();
  /** The word of another worker is being followed. */
  #following = false;

  constructor(options: BreakersOptions) {
    this.#options = options;
  }

  /** Whether there are any: without them nothing needs to learn from attempts. */
  get inUse(): boolean {
    return this.#breakers.size > 0;
  }

  /** The worst state of any. */
  get state(): BreakerState {
    const states = Array.from(this.#breakers.values(), ({ state }) => state);
    return WORST_FIRST.find((state) => states.includes(state)) ?? 'closed';
  }

  /** The breaker with these settings, created at its first use. */
  of(settings: BreakerSettings): CircuitBreaker {
    const id = JSON.stringify(settings);
    let breaker = this.#breakers.get(id);
    if (breaker === undefined) {
      const changed = (state: BreakerState, cause: BreakerCause | null): void => {
        if (!this.#following) this.#options.tell(id, state, cause);
        this.#options.changed();
      };
      breaker = new CircuitBreaker({ settings, timers: this.#options.timers, changed });
      this.#breakers.set(id, breaker);
    }
    return breaker;
  }

  /** Keeps the breakers with these settings only. */
  keep(settings: Iterable<BreakerSettings>): void {
    const wanted = new Set(Array.from(settings, (each) => JSON.stringify(each)));
    for (const [id, breaker] of this.#breakers) {
      if (wanted.has(id)) continue;
      breaker.stop();
      this.#breakers.delete(id);
    }
  }

  began(attempt: Attempt): void {
    for (const breaker of this.#breakers.values()) breaker.began(attempt);
  }

  /** An attempt ended. `succeeded`: null if its end says nothing. `ms`: to the head of the answer; -1 without one. */
  ended(attempt: Attempt, succeeded: boolean | null, ms: number): void {
    for (const breaker of this.#breakers.values()) breaker.ended(attempt, succeeded, ms);
  }

  /** Follows another worker of the proxy: a breaker opened there, or closed. */
  follow(id: string, opened: boolean): void {
    const breaker = this.#breakers.get(id);
    if (breaker === undefined) return;
    this.#following = true;
    if (opened) breaker.open('told');
    else breaker.close();
    this.#following = false;
  }

  stop(): void {
    this.keep([]);
  }
}
