// The merge of policies: the nearest policy wins, field by field, and every value has its origin. The proxy uses it to build a runtime, the
// CLI to explain one.
import { compareText } from '#lib/compare-text.ts';
import type { Policy } from '../ir/ir.ts';
import { policyKindOf, POLICIES, type PolicyKindName } from '../k8s/policies.ts';
import { leavesOf, setAt, valueAt, type Leaf, type PolicySettings } from './settings.ts';

/** A policy that applies, and the target through which it applies. */
export interface Layer {
  readonly policy: Policy;
  /** As printed by `describeTarget`. */
  readonly target: string;
}

/** The origin of the value of a setting. */
export interface SettingOrigin {
  /** `timeouts.idle`. */
  readonly field: string;
  readonly value: unknown;
  /** Key of the policy. */
  readonly policy: string;
  readonly target: string;
}

/** The merged settings. */
export interface Merged<K extends PolicyKindName> {
  readonly settings: PolicySettings<K>;
  /** In the order of the schema. */
  readonly origins: readonly SettingOrigin[];
}

const LEAVES: ReadonlyMap<string, readonly Leaf[]> = new Map(POLICIES.map(({ kind, settings }) => [kind, leavesOf(settings)]));

/** Every setting of a policy kind. */
export function leavesOfKind(kind: PolicyKindName): readonly Leaf[] {
  return LEAVES.get(kind) ?? [];
}

/** Merges the layers of one policy kind, the nearest first. */
export function mergePolicies<K extends PolicyKindName>(kind: K, layers: readonly Layer[]): Merged<K> {
  const settings: Record<string, unknown> = {};
  const origins: SettingOrigin[] = [];
  for (const { path } of leavesOfKind(kind)) {
    const nearest = layers.find(({ policy }) => valueAt(policy.settings, path) !== undefined);
    if (nearest === undefined) continue;
    const value = valueAt(nearest.policy.settings, path);
    setAt(settings, path, value);
    origins.push({ field: path.join('.'), value, policy: nearest.policy.key, target: nearest.target });
  }
  return { settings: settings as PolicySettings<K>, origins };
}

/** The order of two policies with the same target: older first, then `namespace/name` (GEP-713). */
export function comparePolicies(a: Ranked, b: Ranked): number {
  return a.createdAt - b.createdAt || compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`);
}

/** The fields that decide the order of policies of one kind. */
export type Ranked = Pick<Policy, 'createdAt' | 'namespace' | 'name'>;

/** Whether this version knows a policy kind of this name. */
export function isPolicyKind(kind: string): kind is PolicyKindName {
  return policyKindOf(kind) !== undefined;
}
