// The queue of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { QueuePlan } from '../../exchange/plan.ts';

/** Null without a setting. */
export function queuePlan({ timeout, fairBy }: PolicySettings<'BackendTrafficPolicy'>['queue'] = {}): QueuePlan | null {
  const header = fairBy?.header;
  if (timeout === undefined && header === undefined) return null;
  return { timeout: timeout ?? null, callerHeader: header === undefined ? null : header.toLowerCase() };
}
