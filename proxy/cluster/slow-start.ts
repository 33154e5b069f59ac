// Slow start: an endpoint that joins gets a small share of the requests first and its whole share after a while, so that its caches and its
// compiled code have time to warm up. Its weight grows in steps; a pick costs nothing more.
import { Timer } from '#lib/timer-wheel.ts';
import type { Endpoint, EndpointTimers } from './endpoint.ts';
import type { Member } from './member.ts';

/** Steps from the least to the whole weight. */
const STEPS = 10;

export interface SlowStartOptions {
  /** The time until an endpoint has its whole weight, milliseconds; 0 is off. */
  readonly window: number;
  readonly timers: EndpointTimers;
  /** The weights have changed. */
  readonly changed: () => void;
  readonly now?: () => number;
}

export class SlowStart {
  readonly #window: number;
  readonly #timers: EndpointTimers;
  readonly #now: () => number;
  readonly #timer: Timer;
  /** The time since which each endpoint may be used. */
  #since = new Map<Endpoint, number>();

  constructor({ window, timers, changed, now = () => performance.now() }: SlowStartOptions) {
    this.#window = window;
    this.#timers = timers;
    this.#now = now;
    this.#timer = new Timer(changed);
  }

  /**
   * The candidates with their weights of now. An endpoint begins when it becomes a candidate while others are there already: the first
   * endpoints of all cannot leave their share to others.
   */
  weigh(candidates: readonly Member[]): readonly Member[] {
    if (this.#window === 0) return candidates;
    const now = this.#now();
    const start = this.#since.size === 0 ? -Infinity : now;
    this.#since = new Map(candidates.map(({ endpoint }) => [endpoint, this.#since.get(endpoint) ?? start]));
    const weighed = candidates.map((member) => this.#weighed(member, now));
    if (weighed.some((member, i) => member !== candidates[i])) this.#timers.arm(this.#timer, this.#window / STEPS);
    return weighed;
  }

  stop(): void {
    this.#timers.disarm(this.#timer);
  }

  #weighed(member: Member, now: number): Member {
    const age = (now - (this.#since.get(member.endpoint) as number)) / this.#window;
    if (age >= 1) return member;
    return Object.freeze({ ...member, weight: member.weight * Math.max(1 / STEPS, age) });
  }
}
