// The bandwidth of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { BandwidthPlan } from '../../exchange/plan.ts';

/** Null without a limit. */
export function bandwidthPlan(policy: PolicySettings<'BackendTrafficPolicy'>['bandwidth'] = {}): BandwidthPlan | null {
  const { request = 0, response = 0, scope } = policy;
  return request === 0 && response === 0 ? null : { shared: scope === 'Rule', request, response };
}
