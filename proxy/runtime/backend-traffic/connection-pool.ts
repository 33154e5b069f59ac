// The connections of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { ConnectionPlan } from '../../exchange/connection-terms.ts';

/** Null without a setting. */
export function connectionPlan(policy: PolicySettings<'BackendTrafficPolicy'>['connectionPool'] = {}): ConnectionPlan | null {
  const plan: Record<keyof ConnectionPlan, number | undefined> = {
    maxConnections: policy.perEndpoint?.maxConnections,
    maxPending: policy.perEndpoint?.maxPendingRequests,
    maxRequests: policy.maxRequestsPerConnection,
    maxStreams: policy.maxConcurrentStreams,
    idleTimeout: policy.idleTimeout,
    connectTimeout: policy.connectTimeout,
  };
  const set = Object.entries(plan).filter(([, value]) => value !== undefined);
  return set.length === 0 ? null : Object.fromEntries(set);
}
