// The parallel attempts of an exchange.
import type { Timer } from '#lib/timer-wheel.ts';
import type { Attempt } from './attempt.ts';

/** An exchange whose plan hedges has one from its first attempt on. */
export interface Hedge {
  /** The delay before another attempt. */
  readonly timer: Timer;
  /** The attempts under way, oldest first. */
  readonly attempts: Attempt[];
}

/** Whether the exchange has another attempt under way than this one. */
export function hasRival({ exchange }: Attempt): boolean {
  return exchange.hedge !== null && exchange.hedge.attempts.length > 1;
}
