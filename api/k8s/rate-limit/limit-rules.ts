// Rules of the limits of a RateLimitPolicy that a schema cannot express: settings that belong to other algorithms or stores.
import { parseDuration } from '#lib/duration.ts';
import { repeated } from '../duplicates.ts';
import type { FieldError } from '../field-error.ts';
import type { PolicyObjects } from '../policies.ts';

type Limit = NonNullable<PolicyObjects['RateLimitPolicy']['spec']['limits']>[number];

const WINDOWS: readonly (Limit['algorithm'] | undefined)[] = [undefined, 'SlidingWindow', 'FixedWindow', 'TokenBucket'];

/** The rules that limits violate. */
export function checkLimits(limits: readonly Limit[] = []): FieldError[] {
  const twice = repeated(limits.map(({ name }) => name)).map((i) => ({
    field: `spec.limits[${i}].name`,
    reason: 'is the name of another limit',
  }));
  return [
    ...twice,
    ...limits.flatMap((limit, i) =>
      RULES.flatMap((rule) => rule(limit)).map(({ field, reason }) => ({ field: `spec.limits[${i}].${field}`, reason })),
    ),
  ];
}

const RULES: readonly ((limit: Limit) => readonly FieldError[])[] = [checkPeriod, checkBurst, checkStore, checkShare, checkKey, checkPlans];

function checkPeriod({ algorithm, per, every }: Limit): readonly FieldError[] {
  if (WINDOWS.includes(algorithm)) return checkPer(per, every);
  if (per !== undefined) return [{ field: 'per', reason: `has no effect with the algorithm ${algorithm}: remove it` }];
  if (algorithm === 'Quota')
    return every === undefined ? [{ field: 'every', reason: 'is missing: set the unit of the quota, such as Day' }] : [];
  return every === undefined ? [] : [NO_EVERY];
}

const NO_EVERY = { field: 'every', reason: 'is for the algorithm Quota: remove it' };

function checkPer(per: Limit['per'], every: Limit['every']): readonly FieldError[] {
  if (per === undefined) return [{ field: 'per', reason: 'is missing: set the period, such as 10s' }];
  const length = parseDuration(per);
  if (length.ok && length.value === 0) return [{ field: 'per', reason: 'must be more than 0' }];
  return every === undefined ? [] : [NO_EVERY];
}

function checkBurst({ algorithm, burst, plans = [] }: Limit): readonly FieldError[] {
  if (algorithm === 'TokenBucket') return [];
  const reason = 'is for the algorithm TokenBucket: remove it';
  const ofPlans = plans.flatMap((plan, i) => (plan.burst === undefined ? [] : [{ field: `plans[${i}].burst`, reason }]));
  return burst === undefined ? ofPlans : [{ field: 'burst', reason }, ...ofPlans];
}

function checkShare({ store = 'Local', share }: Limit): readonly FieldError[] {
  if (share === undefined || store === 'Local') return [];
  return [{ field: 'share', reason: `is for the store Local: remove it, ${store} counts for all proxies together` }];
}

function checkStore({ algorithm, store, onError, answer }: Limit): readonly FieldError[] {
  if (algorithm === 'Concurrency' && store === 'Redis')
    return [{ field: 'store', reason: 'must be Local or Lease with the algorithm Concurrency' }];
  if (algorithm === 'Concurrency' && answer !== undefined)
    return [{ field: 'answer', reason: 'has no effect with the algorithm Concurrency: remove it' }];
  const isLocal = store === undefined || store === 'Local';
  return onError !== undefined && isLocal ? [{ field: 'onError', reason: 'is for the stores Redis and Lease: remove it' }] : [];
}

function checkKey({ key = [] }: Limit): readonly FieldError[] {
  return key.flatMap((part, i) => (Object.keys(part).length === 1 ? [] : [{ field: `key[${i}]`, reason: 'must have exactly one field' }]));
}

function checkPlans({ plans = [], cost, answer, requests, burst = requests }: Limit): readonly FieldError[] {
  const twice = repeated(plans.map(({ plan }) => plan)).map((i) => ({ field: `plans[${i}].plan`, reason: 'is listed twice' }));
  if (cost === 0 && answer === undefined)
    return [...twice, { field: 'cost', reason: 'must be more than 0, or answer must be set: nothing would count' }];
  return (cost ?? 1) > burst ? [...twice, { field: 'cost', reason: 'is more than the limit: no request would pass' }] : twice;
}
