// The limits of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { LimitSettings } from '../../cluster/limits/limit-settings.ts';

type CircuitBreaker = NonNullable<PolicySettings<'BackendTrafficPolicy'>['circuitBreaker']>;

const NO_LIMITS: LimitSettings = {
  maxConnections: 0,
  maxPendingRequests: 0,
  maxParallelRequests: 0,
  maxParallelRetries: 0,
  maxParallelRequestsPerEndpoint: 0,
};

/** Null without a limit. */
export function limitSettings({ perEndpoint, ...limits }: CircuitBreaker = {}): LimitSettings | null {
  const settings = { ...NO_LIMITS, ...limits, maxParallelRequestsPerEndpoint: perEndpoint?.maxParallelRequests ?? 0 };
  return Object.values(settings).some((limit) => limit > 0) ? settings : null;
}
