// The retries of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { RetryPlan } from '../../exchange/plan.ts';

/** The default of a `retry` field if only the other one is set; the same as for routes. */
const DEFAULT_ATTEMPTS = 1;
const DEFAULT_BACKOFF_MS = 25;

/** Null if no field is set. */
export function retryPlan(retry: PolicySettings<'BackendTrafficPolicy'>['retry']): RetryPlan | null {
  if (retry === undefined) return null;
  return {
    codes: retry.codes ?? [],
    grpcStatuses: retry.grpcStatuses ?? [],
    attempts: retry.attempts ?? DEFAULT_ATTEMPTS,
    backoff: retry.backoff ?? DEFAULT_BACKOFF_MS,
  };
}
