// The hedging of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { HedgePlan } from '../../exchange/plan.ts';

const DEFAULT_MAX_ATTEMPTS = 2;

/** Null without a delay, or if one attempt is the maximum. */
export function hedgePlan(policy: PolicySettings<'BackendTrafficPolicy'>['hedge'] = {}): HedgePlan | null {
  const { delay = 0, maxAttempts = DEFAULT_MAX_ATTEMPTS, grpc = false } = policy;
  return delay === 0 || maxAttempts < 2 ? null : { delay, maxAttempts, grpc };
}
