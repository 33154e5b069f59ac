// The bandwidth of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { BandwidthPlan } from '../../exchange/plan.ts';

/** Null without a limit. */
export function bandwidthPlan({
  request = 0,
  response = 0,
}: PolicySettings<'BackendTrafficPolicy'>['bandwidth'] = {}): BandwidthPlan | null {
  return request === 0 && response === 0 ? null : { request, response };
}
