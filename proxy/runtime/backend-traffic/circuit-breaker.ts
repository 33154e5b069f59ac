// The limits and the circuit breaker of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { BreakerSettings } from '../../cluster/breaker/breaker-settings.ts';
import type { GradientSettings } from '../../cluster/limits/gradient-limit.ts';
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

const STANDARD_GRADIENT: GradientSettings = { minRequests: 20, maxRequests: 1_000, tolerancePercent: 50 };

/** Null without a limit. */
export function limitSettings(policy: CircuitBreaker = {}): LimitSettings | null {
  const limits = { ...withKnown(NO_LIMITS, policy), maxParallelRequestsPerEndpoint: policy.perEndpoint?.maxParallelRequests ?? 0 };
  const settings = { ...limits, adaptive: gradientSettings(policy.adaptive) };
  return Object.values(settings).some((limit) => limit !== null && limit !== 0) ? settings : null;
}

/** Null if no field turns the adaptive limit on. */
function gradientSettings(policy: CircuitBreaker['adaptive'] = {}): GradientSettings | null {
  const { minRequests, maxRequests, tolerancePercent } = withKnown(STANDARD_GRADIENT, policy);
  if (Object.keys(policy).length === 0 || maxRequests === 0) return null;
  return { minRequests: Math.min(minRequests, maxRequests), maxRequests, tolerancePercent };
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
