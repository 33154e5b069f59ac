// The hedging of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { HedgePlan } from '../../exchange/plan.ts';

type Hedge = PolicySettings<'BackendTrafficPolicy'>['hedge'];

const DEFAULTS = { delay: 0, percentile: 0, minDelay: 0, maxDelay: 0, maxAttempts: 2, grpc: false };

/** Null without a delay and a percentile, or if one attempt is the maximum. */
export function hedgePlan(policy: Hedge = {}): HedgePlan | null {
  const { percentile, ...plan } = { ...DEFAULTS, ...policy };
  if ((plan.delay === 0 && percentile === 0) || plan.maxAttempts < 2) return null;
  return { ...plan, maxDelay: plan.maxDelay === 0 ? Infinity : plan.maxDelay };
}

/** The percentile of the answer times that it needs; 0: none. */
export function answerPercentile(policy: Hedge = {}): number {
  return hedgePlan(policy) === null ? 0 : (policy.percentile ?? 0);
}
