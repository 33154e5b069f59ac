// The merge of policies: nearer wins, field by field, and every value knows which policy it came from. Whoever needs the outcome
// asks here: the proxy when it builds a runtime, the CLI when it explains one.
import { compareText } from '#lib/compare-text.ts';
import type { Policy } from '../ir/ir.ts';
import { policyKindOf, POLICIES, type PolicyKindName } from '../k8s/policies.ts';
import { leavesOf, valueAt, type Leaf, type PolicySettings } from './settings.ts';

/** A policy that applies, and the target by which it does. */
export interface Layer {
  readonly policy: Policy;
  /** As printed by `describeTarget`. */
  readonly target: string;
}

/** Where the value of a setting came from. */
export interface SettingOrigin {
  /** `timeouts.idle`. */
  readonly field: string;
  readonly value: unknown;
  /** Key of the policy. */
  readonly policy: string;
  readonly target: string;
}

/** What policies together say. */
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

function setAt(settings: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let group = settings;
  for (const name of path.slice(0, -1)) group = (group[name] ??= {}) as Record<string, unknown>;
  group[path.at(-1) as string] = value;
}

/** The rank of two policies that are attached to the same thing: older first, then `namespace/name` (GEP-713). */
export function comparePolicies(a: Ranked, b: Ranked): number {
  return a.createdAt - b.createdAt || compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`);
}

/** What decides among policies of one kind. */
export type Ranked = Pick<Policy, 'createdAt' | 'namespace' | 'name'>;

/** Whether a name is that of a policy kind this version knows. */
export function isPolicyKind(kind: string): kind is PolicyKindName {
  return policyKindOf(kind) !== undefined;
}
