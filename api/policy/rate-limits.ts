// The limits of RateLimitPolicies as controllers and proxies know them: how each counts, and the form of its keys.
import type * as ir from '../ir/ir.ts';
import { capacityOf } from '#lib/limit/algorithm.ts';
import type { Algorithm } from '#lib/limit/algorithm.ts';
import type { KeyForm, KeyPartForm } from '#lib/limit/key-form.ts';
import type { ListedLimit } from '#lib/limit/listing.ts';
import type { Terms } from '#lib/limit/share.ts';
import type { PolicySettings } from './settings.ts';

/** The settings of one limit. */
export type LimitSettings = NonNullable<PolicySettings<'RateLimitPolicy'>['limits']>[number];
type KeyPart = NonNullable<LimitSettings['key']>[number];

/** A limit, for callers without a plan or with one of its plans. */
export interface KnownLimit extends ListedLimit {
  /** `<namespace>/<policy>/<limit>`. */
  readonly limit: string;
  /** '' for callers without a plan of the limit. */
  readonly plan: string;
  readonly store: 'Local' | 'Lease' | 'Redis';
  readonly algorithm: Algorithm['kind'];
  /** Each proxy lets its share of the limit pass: a request stands for one at each proxy of the fleet. */
  readonly isShared: boolean;
  readonly form: KeyForm;
}

/** The limits of all policies that have an effect. */
export function limitsIn(resources: Iterable<ir.Resource>): readonly KnownLimit[] {
  const all: KnownLimit[] = [];
  for (const resource of resources) {
    if (resource.kind !== 'Policy' || resource.policyKind !== 'RateLimitPolicy') continue;
    const { targets, problems = [], settings, namespace, name } = resource;
    if (targets.length === 0 || problems.length > 0) continue;
    const { limits = [] } = settings as PolicySettings<'RateLimitPolicy'>;
    all.push(...limits.flatMap((limit) => knownLimits(`${namespace}/${name}`, limit)));
  }
  return all;
}

/** Those that a name stands for: `<namespace>/<policy>`, or `<namespace>/<policy>/<limit>`; '' for all. */
export function limitsNamed(limits: readonly KnownLimit[], name: string): readonly KnownLimit[] {
  return limits.filter(({ limit }) => name === '' || limit === name || limit.startsWith(`${name}/`));
}

function knownLimits(policy: string, settings: LimitSettings): readonly KnownLimit[] {
  const { name = '', store = 'Local', cost = 1, share } = settings;
  const limit = `${policy}/${name}`;
  const form = keyForm(settings);
  const { usual, byPlan } = limitTerms(limit, settings);
  return [['', usual] as const, ...byPlan].map(([plan, { id, algorithm }]) => {
    return { limit, plan, store, isShared: share === 'Fleet', id, algorithm: algorithm.kind, capacity: capacityOf(algorithm), cost, form };
  });
}

/** How a limit counts. */
export interface LimitTerms {
  /** For callers without one of its plans. */
  readonly usual: Terms;
  readonly byPlan: ReadonlyMap<string, Terms>;
}

/** How a limit (`<namespace>/<policy>/<limit>`) counts. */
export function limitTerms(label: string, settings: LimitSettings): LimitTerms {
  const { plans = [] } = settings;
  const ofPlans = plans.map(({ plan = '', requests = 1, burst = requests }) => {
    return [plan, termsOf(`${label}/${plan}`, { ...settings, requests, burst })] as const;
  });
  return { usual: termsOf(label, settings), byPlan: new Map(ofPlans) };
}

/** The terms have another id for other settings, so that a lender and Redis count them apart. */
function termsOf(label: string, settings: LimitSettings): Terms {
  const algorithm = algorithmOf(settings);
  const id = `${label} ${Object.values(algorithm).join()}`;
  return settings.store === 'Lease' && settings.onError === 'Closed' ? { id, algorithm, isStrict: true } : { id, algorithm };
}

function algorithmOf({
  algorithm = 'SlidingWindow',
  requests = 1,
  per = 1_000,
  burst = requests,
  every = 'Day',
}: LimitSettings): Algorithm {
  switch (algorithm) {
    case 'TokenBucket':
      return { kind: algorithm, limit: requests, periodMs: per, burst };
    case 'Quota':
      return { kind: algorithm, limit: requests, unit: every };
    case 'Concurrency':
      return { kind: algorithm, limit: requests };
    default:
      return { kind: algorithm, limit: requests, periodMs: per };
  }
}

/** The form of the keys of a limit. Keys with secrets leave a proxy as digests only. */
export function keyForm({ key = [], store }: LimitSettings): KeyForm {
  const parts = key.map(partForm);
  return { parts, isDigest: store === 'Lease' && parts.some(({ isSecret }) => isSecret) };
}

function partForm({ claim, header, cookie, ...others }: KeyPart): KeyPartForm {
  if (claim !== undefined) return { name: `claim.${claim}`, isSecret: false };
  if (header !== undefined) return { name: `header.${header.toLowerCase()}`, isSecret: true };
  if (cookie !== undefined) return { name: `cookie.${cookie}`, isSecret: true };
  return { name: Object.keys(others)[0] ?? '', isSecret: false };
}
