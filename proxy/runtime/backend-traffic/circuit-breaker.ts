// The limits and the circuit breaker of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { BreakerSettings } from '../../cluster/breaker/breaker-settings.ts';
import { NO_LIMITS } from '../../cluster/limits/limit-settings.ts';
import type { LimitSettings } from '../../cluster/limits/limit-settings.ts';

type CircuitBreaker = NonNullable<PolicySettings<'BackendTrafficPolicy'>['circuitBreaker']>;

const NO_BREAKER: BreakerSettings = {
  scope: 'Backend',
  consecutiveFailures: 0,
  failurePercent: 0,
  slowPercent: 0,
  slowAfter: 0,
  minRequests: 20,
  window: 10_000,
  openFor: 5_000,
  halfOpenRequests: 3,
  successThreshold: 3,
};

/** Null without a limit. */
export function limitSettings(policy: CircuitBreaker = {}): LimitSettings | null {
  const limits = { ...withKnown(NO_LIMITS, policy), maxParallelRequestsPerEndpoint: policy.perEndpoint?.maxParallelRequests ?? 0 };
  return Object.values(limits).some((limit) => limit > 0) ? limits : null;
}

/** Null if nothing opens it. */
export function breakerSettings(policy: CircuitBreaker = {}): BreakerSettings | null {
  const settings = withKnown(NO_BREAKER, policy);
  const { consecutiveFailures, failurePercent, slowPercent, slowAfter } = settings;
  return consecutiveFailures > 0 || failurePercent > 0 || (slowPercent > 0 && slowAfter > 0) ? settings : null;
}

/** The defaults with the values of the policy for the same fields. */
function withKnown<T extends object>(defaults: T, policy: Readonly<Record<string, unknown>>): T {
  const set = Object.entries(policy).filter(([name, value]) => Object.hasOwn(defaults, name) && value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}
