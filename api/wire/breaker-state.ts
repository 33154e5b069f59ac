// The states of circuit breakers in reports of proxies.

/** The worst first. `forced-`: an operator says so. */
export const BREAKER_STATES = ['forced-open', 'open', 'half-open', 'forced-closed', 'closed'] as const;

/** The state of a breaker; '' without one. */
export type BreakerState = (typeof BREAKER_STATES)[number] | '';

/** The worst of several states. States of a later release do not count. */
export function worstBreaker(states: ReadonlySet<string>): BreakerState {
  return BREAKER_STATES.find((state) => states.has(state)) ?? '';
}
