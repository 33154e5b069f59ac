// An XBackendTrafficPolicy of the Gateway API in the settings of a BackendTrafficPolicy.
import type { Policy } from '../ir/ir.ts';
import type { PolicySettings } from './settings.ts';

const SECOND_MS = 1_000;
/** The defaults of its CRD, for objects from files. */
const PERCENT = 20;
const INTERVAL_MS = 10_000;
const COUNT = 10;

/** The policy with its retry constraint as a retry budget. */
export function asBackendTraffic(policy: Policy): Policy {
  const { retryConstraint } = policy.settings as PolicySettings<'XBackendTrafficPolicy'>;
  if (retryConstraint === undefined) return { ...policy, settings: {} };
  const { budget = {}, minRetryRate = {} } = retryConstraint;
  const { count = COUNT, interval = SECOND_MS } = minRetryRate;
  return {
    ...policy,
    settings: {
      retry: {
        budget: {
          percent: budget.percent ?? PERCENT,
          minRetriesPerSecond: (count * SECOND_MS) / Math.max(1, interval),
          interval: budget.interval ?? INTERVAL_MS,
        },
      },
    },
  };
}
