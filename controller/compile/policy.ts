// Weir's own policies: a Policy resource for each policy that is in force, and its status for each ancestor. One unit serves every kind;
// the differences are in the descriptions of the kinds (api/k8s/policies.ts).
import type * as ir from '#api/ir/ir.ts';
import { describeError } from '#api/k8s/field-error.ts';
import { keepsTargets } from '#api/k8s/invalid-policy.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import type { Policy, PolicyKind } from '#api/k8s/policies.ts';
import { checkPolicy } from '#api/k8s/policy-rules.ts';
import { isAmong } from '#api/k8s/policy.ts';
import type { PolicyTargetRef } from '#api/k8s/policy.ts';
import { isWithin, leavesOf, setAt, valueAt } from '#api/policy/settings.ts';
import { byAge, createdAt } from './age.ts';
import * as conditions from './conditions.ts';
import { metricClashes, type MetricClash } from './metric-clashes.ts';
import { resolveSettings, type ResolvedSettings } from './policy-references.ts';
import { resolveTarget, type TargetOutcome } from './policy-target.ts';
import { targetsOf } from './policy-targets.ts';
import { selects } from './label-selector.ts';
import type { AncestorStatus, DesiredCondition, DesiredStatus, ParentRef } from './result.ts';
import { needSessionKeys } from './session-keys.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** Where policies say how sessions are kept. */
const KEPT_IN: readonly (readonly string[])[] = [['loadBalancer', 'sessionPersistence'], ['sessionPersistence']];

/** A target and its outcome. */
interface Attached {
  readonly outcome: TargetOutcome;
  /** The older policy of the same kind with the same target, or null. */
  readonly winner: Policy | null;
  /** Sentences about the settings that more specific policies override. */
  readonly overridden: readonly string[];
  /** The settings without effect on the target, as text; '' if all have effect. */
  readonly withoutEffect: string;
}

/** What is known of the settings of an invalid policy. */
const INVALID: ResolvedSettings = { settings: {}, refers: false, references: [], unresolved: [], counters: [] };

/** Key: `<namespace>/<name>`. The root of every policy of the kind. */
export function policyUnit(definition: PolicyKind): UnitKind<null> {
  return {
    name: `policy-${definition.kind}`,
    stage: 'route',
    fallback: () => null,
    compile(view, key) {
      const { namespace, name } = splitKey(key);
      const policy = view.object(definition.kind, namespace, name);
      if (policy === undefined) return valueOnly(null);
      const lost = lostSessions(view, policy);
      const problem = checkPolicy(policy).map(describeError).join('; ');
      const clashes = problem === '' ? metricClashes(view, policy) : [];
      const resolved = problem === '' ? withoutClashes(resolveSettings(view, definition, policy), clashes) : INVALID;
      const attached = targetsOf(view, policy)
        .filter(({ group, kind }) => definition.targets.some((target) => target.group === group && target.kind === kind))
        .map((ref) => attach(view, definition, policy, ref));
      return {
        ...valueOnly(null),
        resources: resourcesOf(definition, policy, attached, contentOf(definition, policy, problem, resolved)),
        status: statusOf({ policy, problem, lost, clashes, resolved, attached }),
        counters: resolved.counters,
      };
    },
  };
}

/** Without the metrics that an older policy defines otherwise. */
function withoutClashes(resolved: ResolvedSettings, clashes: readonly MetricClash[]): ResolvedSettings {
  const { metrics } = resolved.settings as { readonly metrics?: readonly unknown[] };
  if (clashes.length === 0 || metrics === undefined) return resolved;
  const kept = metrics.filter((_, i) => !clashes.some(({ index }) => index === i));
  return { ...resolved, settings: { ...resolved.settings, metrics: kept } };
}

/** The session persistence of a policy for which there are no keys, as text; '' if there are, or if it asks for none. */
function lostSessions(view: View, { spec }: Policy): string {
  const path = KEPT_IN.find((each) => valueAt(spec, each) !== undefined);
  if (path === undefined) return '';
  const lack = needSessionKeys(view);
  return lack === '' || valueAt(spec, [...path, 'type']) === 'None' ? '' : `${path.join('.')}: ${lack}`;
}

function attach(view: View, definition: PolicyKind, policy: Policy, ref: PolicyTargetRef): Attached {
  const outcome = resolveTarget(view, policy.metadata.namespace ?? '', ref);
  const attached = { outcome, winner: null, overridden: [], withoutEffect: settingsWithoutEffect(definition, policy, ref) };
  if (!outcome.found || outcome.ancestors.length === 0) return attached;
  const rivals = rivalsOf(view, policy, outcome.target);
  const same = rivals.filter(({ sections }) => sections.has(ref.sectionName ?? '')).map((rival) => rival.policy);
  const [winner = policy] = byAge([policy, ...same]);
  if (winner !== policy) return { ...attached, winner };
  return ref.sectionName === undefined ? { ...attached, overridden: overrides(view, definition, policy, { ref, rivals }) } : attached;
}

function settingsWithoutEffect({ targets, settings }: PolicyKind, { metadata, spec }: Policy, { kind, name }: PolicyTargetRef): string {
  const meant = targets.find((target) => target.kind === kind)?.settings;
  if (meant === undefined) return '';
  const fields = leavesOf(settings)
    .filter(({ path }) => valueAt(spec, path) !== undefined)
    .map(({ path }) => path.join('.'))
    .filter((field) => !isAmong(meant, field));
  return fields.length === 0 ? '' : `${fields.join(', ')} for ${kind}/${metadata.namespace ?? ''}/${name}`;
}

/** Another policy of the same kind, and which parts of the same object it targets. */
interface Rival {
  readonly policy: Policy;
  readonly sections: ReadonlySet<string>;
}

/** A target and the other policies of the same object. */
interface Rivalry {
  readonly ref: PolicyTargetRef;
  readonly rivals: readonly Rival[];
}

/** Invalid policies are left out: they take no target from others. Those that protect their targets keep them. */
function rivalsOf(view: View, policy: Policy, { kind, namespace, name }: ir.PolicyTarget): readonly Rival[] {
  const named = view.list('policiesByTarget', `${policy.kind}|${kind}/${namespace}/${name}`);
  const selecting = view.list('policiesByTarget', `${policy.kind}|${kind}/${namespace}`);
  const others = [...new Set([...named, ...selecting])].filter((other) => other.metadata.name !== policy.metadata.name);
  const labels = selecting.length === 0 ? {} : labelsOf(view, kind, namespace, name);
  return others.flatMap((other): readonly Rival[] => {
    const refs = other.spec.targetRefs.filter((ref) => ref.kind === kind && ref.name === name).map((ref) => ref.sectionName ?? '');
    const isSelected = other.spec.targetSelectors.some((selector) => selector.kind === kind && selects(selector, labels));
    const sections = new Set(isSelected ? ['', ...refs] : refs);
    return sections.size === 0 || (!keepsTargets(other) && checkPolicy(other).length > 0) ? [] : [{ policy: other, sections }];
  });
}

function labelsOf(view: View, kind: string, namespace: string, name: string): Readonly<Record<string, string>> {
  const objects = view.list('targetsByNamespace', `${kind}/${namespace}`);
  return objects.find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {};
}

/** The settings that policies for parts of the object override. Policies of routes below a Gateway are ignored. */
function overrides(view: View, { settings }: PolicyKind, policy: Policy, { ref, rivals }: Rivalry): readonly string[] {
  const namespace = policy.metadata.namespace ?? '';
  const isThere = (sectionName: string): boolean => sectionName !== '' && resolveTarget(view, namespace, { ...ref, sectionName }).found;
  return rivals.flatMap((rival) => {
    const sections = [...rival.sections].filter(isThere);
    const fields = leavesOf(settings)
      .filter(({ path }) => [policy, rival.policy].every(({ spec }) => valueAt(spec, path) !== undefined))
      .map(({ path }) => path.join('.'));
    return sections.length === 0 || fields.length === 0
      ? []
      : [`${objectId(refOf(rival.policy))} sets ${fields.join(', ')} for ${sections.join(', ')}`];
  });
}

/** The part of the resource that depends on the settings. */
type Content = Pick<ir.Policy, 'settings' | 'references' | 'problems'>;

/**
 * Null: the policy has no effect. A policy that protects its targets has one in any case: proxies refuse what it should protect while it
 * has problems. For other kinds, settings with references that do not resolve have no effect, unless their schema says that they stay.
 */
function contentOf(
  { protects, settings: schema }: PolicyKind,
  policy: Policy,
  problem: string,
  { settings, references, unresolved }: ResolvedSettings,
): Content | null {
  if (problem !== '') return keepsTargets(policy) ? { settings: {}, problems: [{ field: '', message: problem }] } : null;
  const needs = references.length === 0 ? {} : { references: [...references] };
  if (unresolved.length === 0) return { settings, ...needs };
  if (protects === true) return { settings, ...needs, problems: unresolved.map(({ field, message }) => ({ field, message })) };
  const usable: Record<string, unknown> = {};
  for (const { path, schema: leaf } of leavesOf(schema)) {
    const value = valueAt(settings, path);
    const isUsable = '~unresolved' in leaf || !unresolved.some(({ field }) => isWithin(field, path.join('.')));
    if (value !== undefined && isUsable) setAt(usable, path, value);
  }
  return { settings: usable, ...needs };
}

function resourcesOf(definition: PolicyKind, policy: Policy, attached: readonly Attached[], content: Content | null): ir.Policy[] {
  const { metadata } = policy;
  const { name, namespace = '' } = metadata;
  const targets = attached.flatMap(({ outcome, winner }) =>
    outcome.found && outcome.ancestors.length > 0 && winner === null ? [outcome.target] : [],
  );
  if (targets.length === 0 || content === null) return [];
  const key = `${definition.kind}/${namespace}/${name}`;
  return [{ kind: 'Policy', key, policyKind: definition.kind, namespace, name, createdAt: createdAt(metadata), targets, ...content }];
}

/** Everything that the status says something about. `problem`: the rules that the policy breaks, or ''. */
interface Compiled {
  readonly policy: Policy;
  readonly problem: string;
  /** The settings for which something is missing, as text; '' for none. */
  readonly lost: string;
  readonly clashes: readonly MetricClash[];
  readonly resolved: ResolvedSettings;
  readonly attached: readonly Attached[];
}

/** Null if the policy concerns no object of this controller. */
function statusOf(compiled: Compiled): DesiredStatus | null {
  const { policy, attached } = compiled;
  const { name, namespace = '', uid = '' } = policy.metadata;
  const entries = attached.flatMap((each) => each.outcome.ancestors.map((ancestor) => ({ ancestor, each })));
  const byAncestor = Map.groupBy(entries, ({ ancestor }) => JSON.stringify(ancestor));
  if (byAncestor.size === 0) return null;
  return {
    ref: { kind: policy.kind, namespace, name },
    uid,
    type: 'Policy',
    ancestors: [...byAncestor.values()].map((group) =>
      ancestorStatus((group[0] as (typeof entries)[number]).ancestor, { ...compiled, attached: group.map(({ each }) => each) }),
    ),
  };
}

function ancestorStatus(ancestorRef: ParentRef, { policy, problem, lost, clashes, resolved, attached }: Compiled): AncestorStatus {
  const generation = policy.metadata.generation ?? 0;
  const refuse = (obstacle: conditions.PolicyObstacle): AncestorStatus => ({
    ancestorRef,
    conditions: [conditions.policyNotAccepted(generation, obstacle)],
  });
  if (problem !== '') return refuse({ reason: 'Invalid', message: keepsTargets(policy) ? `${problem}${REFUSED_MEANWHILE}` : problem });
  const missing = attached.flatMap(({ outcome }) => (outcome.found ? [] : [outcome.message]));
  if (missing.length > 0) return refuse({ reason: 'TargetNotFound', message: missing.join('; ') });
  const conflicts = attached.flatMap(describeConflict);
  if (conflicts.length === attached.length) return refuse({ reason: 'Conflicted', message: conflicts.join('; ') });
  const lacking = [...clashes.map(({ message }) => message), ...conflicts];
  const overridden = attached.flatMap((each) => each.overridden);
  const withoutEffect = [...attached.map((each) => each.withoutEffect), lost].filter((text) => text !== '');
  return {
    ancestorRef,
    conditions: [
      conditions.policyAccepted(generation),
      ...refsCondition(generation, resolved),
      ...(lacking.length === 0 ? [] : [conditions.policyPartlyConflicted(generation, lacking.join('; '))]),
      ...(overridden.length === 0 ? [] : [conditions.policyOverridden(generation, overridden.join('; '))]),
      ...(withoutEffect.length === 0 ? [] : [conditions.policyWithoutEffect(generation, withoutEffect.join('; '))]),
    ],
  };
}

/** What an invalid policy means for the objects that it should protect. */
const REFUSED_MEANWHILE = '; its targets answer 500 (policy_unresolved) until the policy is valid';

function refsCondition(generation: number, { refers, unresolved }: ResolvedSettings): readonly DesiredCondition[] {
  const [first] = unresolved;
  if (first === undefined) return refers ? [conditions.policyRefsResolved(generation)] : [];
  const message = unresolved.map((each) => `spec.${each.field}: ${each.message}`).join('; ');
  return [conditions.policyRefsNotResolved(generation, { reason: first.reason, message })];
}

function describeConflict({ outcome, winner }: Attached): readonly string[] {
  if (!outcome.found || winner === null) return [];
  const { kind, namespace, name, section } = outcome.target;
  const part = section === '' ? '' : ` ${section}`;
  return [`${kind}/${namespace}/${name}${part} is already the target of ${objectId(refOf(winner))}, which takes precedence`];
}
