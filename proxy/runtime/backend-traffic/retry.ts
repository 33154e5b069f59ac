// The retries of a rule and of BackendTrafficPolicies.
import type * as ir from '#api/ir/ir.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { RetryBudgetPlan, RetryPlan } from '../../exchange/plan.ts';

type RetrySettings = NonNullable<PolicySettings<'BackendTrafficPolicy'>['retry']>;
type Failures = Pick<RetryPlan, 'connect' | 'refused' | 'reset' | 'timeout' | 'codes' | 'safeCodes' | 'serverErrors'>;

/** The default of a `retry` field if only others are set; the same as for routes. */
const DEFAULT_ATTEMPTS = 1;
const DEFAULT_BACKOFF_MS = 25;
/** The longest pause as a multiple of the least one. */
const BACKOFF_GROWTH = 10;
const DEFAULT_MAX_RETRY_AFTER_MS = 2_000;
/** A fifth of the requests, and ten attempts per second if that is more. */
const DEFAULT_BUDGET: RetryBudgetPlan = Object.freeze({ percent: 20, interval: 10_000, least: 10, leastInterval: 1_000 });
/** The statuses of gateways that have no usable backend. */
const GATEWAY_ERRORS: readonly number[] = Object.freeze([502, 503, 504]);

/** The budget of a backend; there is always one. */
export function retryBudget({ budget }: RetrySettings = {}): RetryBudgetPlan {
  if (budget === undefined) return DEFAULT_BUDGET;
  return {
    percent: budget.percent ?? DEFAULT_BUDGET.percent,
    interval: budget.interval ?? DEFAULT_BUDGET.interval,
    ...leastOf(budget.minRetriesPerSecond ?? DEFAULT_BUDGET.least),
  };
}

/** A rate below one per second, which only policies of the Gateway API have, is one in a longer time. */
function leastOf(rate: number): Pick<RetryBudgetPlan, 'least' | 'leastInterval'> {
  const second = DEFAULT_BUDGET.leastInterval;
  return rate > 0 && rate < 1 ? { least: 1, leastInterval: Math.ceil(second / rate) } : { least: Math.floor(rate), leastInterval: second };
}

/** The retries of a rule with these policies; null if neither sets any. Attempts, statuses and back-off of the rule win. */
export function retryPlan(rule: ir.Retry | null, policy: RetrySettings | undefined): RetryPlan | null {
  const settings = settingsOf(rule, policy);
  if (settings === null) return null;
  const backoff = settings.backoff ?? DEFAULT_BACKOFF_MS;
  return {
    attempts: settings.attempts ?? DEFAULT_ATTEMPTS,
    ...failures(settings),
    grpcStatuses: settings.grpcStatuses ?? [],
    backoff,
    maxBackoff: Math.max(backoff, settings.maxBackoff ?? BACKOFF_GROWTH * backoff),
    maxRetryAfter: settings.maxRetryAfter ?? DEFAULT_MAX_RETRY_AFTER_MS,
  };
}

/** A budget alone sets no retries. */
function settingsOf(rule: ir.Retry | null, policy: RetrySettings | undefined): RetrySettings | null {
  if (rule !== null) return withRule(rule, policy);
  if (policy === undefined) return null;
  return policy.budget !== undefined && Object.keys(policy).length === 1 ? null : policy;
}

/** A rule without statuses leaves them to the policy: the Gateway API has no way to say none. */
function withRule({ attempts, codes, backoff }: ir.Retry, policy: RetrySettings = {}): RetrySettings {
  return { ...policy, attempts, backoff, ...(codes.length > 0 ? { codes } : {}) };
}

/** Failures that the author names are repeated for every request, the others where that is safe. */
function failures({ triggers, codes }: RetrySettings): Failures {
  if (triggers === undefined) {
    const statuses = codes === undefined ? { codes: [], safeCodes: GATEWAY_ERRORS } : { codes, safeCodes: [] };
    return { connect: true, refused: true, reset: 'idempotent', timeout: 'idempotent', ...statuses, serverErrors: false };
  }
  return {
    connect: triggers.includes('connect-failure'),
    refused: triggers.includes('refused-stream'),
    reset: triggers.includes('reset') ? 'all' : 'none',
    timeout: triggers.includes('timeout') ? 'all' : 'none',
    codes: triggers.includes('gateway-error') ? [...GATEWAY_ERRORS, ...(codes ?? [])] : (codes ?? []),
    safeCodes: [],
    serverErrors: triggers.includes('5xx'),
  };
}
