// An XBackendTrafficPolicy of the Gateway API in the settings of a BackendTrafficPolicy.
import type { Policy } from '../ir/ir.ts';
import type { PolicySettings } from './settings.ts';

type Foreign = PolicySettings<'XBackendTrafficPolicy'>;
type Own = PolicySettings<'BackendTrafficPolicy'>;

const SECOND_MS = 1_000;
/** The defaults of its CRD, for objects from files. */
const PERCENT = 20;
const INTERVAL_MS = 10_000;
const COUNT = 10;

/** The policy with its retry constraint as a retry budget, and its sessions as those of the balancer. */
export function asBackendTraffic(policy: Policy): Policy {
  const { retryConstraint, sessionPersistence } = policy.settings as Foreign;
  const settings: Own = {
    ...(retryConstraint === undefined ? {} : { retry: { budget: budgetOf(retryConstraint) } }),
    ...(sessionPersistence === undefined ? {} : { loadBalancer: { sessionPersistence: { type: 'Cookie', ...sessionPersistence } } }),
  };
  return { ...policy, settings: { ...settings } };
}

function budgetOf({
  budget = {},
  minRetryRate = {},
}: NonNullable<Foreign['retryConstraint']>): NonNullable<NonNullable<Own['retry']>['budget']> {
  const { count = COUNT, interval = SECOND_MS } = minRetryRate;
  return {
    percent: budget.percent ?? PERCENT,
    minRetriesPerSecond: (count * SECOND_MS) / Math.max(1, interval),
    interval: budget.interval ?? INTERVAL_MS,
  };
}
