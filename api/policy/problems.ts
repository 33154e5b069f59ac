// Problems of policies that protect their targets: which of them concern a request. A request with a problem is refused.
import { POLICIES, type PolicyKindName } from '../k8s/policies.ts';
import type { PolicyTarget } from '../ir/ir.ts';
import type { PolicyIndex } from './layers.ts';
import { mergePolicies } from './merge.ts';
import { isWithin } from './settings.ts';

export { protectsTargets } from '../k8s/protection.ts';

/** A problem of a policy in force. */
export interface EffectiveProblem {
  /** Key of the policy. */
  readonly policy: string;
  /** The setting; '' for the whole policy. */
  readonly field: string;
  readonly message: string;
}

/** The kinds of policies that protect their targets, perhaps by some of their settings only. */
export const PROTECTING: readonly PolicyKindName[] = POLICIES.filter((policy) => 'protects' in policy).map(({ kind }) => kind);

/**
 * The problems that concern what has these targets, nearest first: those of settings in force, and those of whole policies, whose settings
 * are not known.
 */
export function problemsInForce(
  policies: PolicyIndex,
  targets: readonly PolicyTarget[],
  kinds: readonly PolicyKindName[] = PROTECTING,
): readonly EffectiveProblem[] {
  return kinds.flatMap((kind) => {
    const layers = policies.layers(kind, targets);
    if (layers.every(({ policy }) => policy.problems === undefined)) return [];
    const { origins } = mergePolicies(kind, layers);
    return layers.flatMap(({ policy: { key, problems = [] } }) => {
      const fields = origins.filter(({ policy }) => policy === key).map(({ field }) => field);
      const inForce = problems.filter(({ field }) => field === '' || fields.some((setting) => isWithin(field, setting)));
      return inForce.map(({ field, message }) => ({ policy: key, field, message }));
    });
  });
}

/** `SecurityPolicy/ns/name ipAccess.allow: message`. */
export function describeProblem({ policy, field, message }: EffectiveProblem): string {
  return `${policy}${field === '' ? '' : ` ${field}`}: ${message}`;
}
