// Shared by all kinds of routes: attachments, precedence, and the status for each parent.
import type * as ir from '#api/ir/ir.ts';
import type { ObjectMeta } from '#api/k8s/object.ts';
import type { ParentOutcome } from './attachment.ts';
import * as conditions from './conditions.ts';
import type { DesiredCondition, DesiredStatus, ParentRef } from './result.ts';

/** The facts about a route that its status depends on. */
export interface RouteFacts {
  readonly kind: string;
  readonly metadata: ObjectMeta;
  /** Paths of fields that Weir ignores. */
  readonly ignored: readonly string[];
  /** Paths of fields without effect, each with the reason; absent means none. */
  readonly withoutEffect?: readonly string[];
}

/** The outcome of a rule for the status: why it cannot be served as written, and the obstacles of its references. */
export interface RuleOutcome {
  readonly problem: string | null;
  readonly obstacles: readonly conditions.BackendObstacle[];
}

/** Two parentRefs may select the same listener; the route attaches to it once. */
export function mergeAttachments(parents: readonly ParentOutcome[]): ir.Attachment[] {
  const byListener = new Map(parents.flatMap((parent) => parent.attachments.map((attachment) => [attachment.listener, attachment])));
  return [...byListener.values()].sort((a, b) => (a.listener < b.listener ? -1 : 1));
}

/** The status of a route with these parents and rules. */
export function routeStatus(route: RouteFacts, parents: readonly ParentOutcome[], rules: readonly RuleOutcome[]): DesiredStatus {
  const { name, namespace = '', uid = '', generation = 0 } = route.metadata;
  const ofRules = ruleConditions(route, rules);
  return {
    ref: { kind: route.kind, namespace, name },
    uid,
    type: 'Route',
    parents: parents.map((parent) => ({
      parentRef: asWritten(parent),
      conditions: [
        acceptedCondition(generation, parent, rules),
        ...ofRules.filter((c) => parent.obstacle === null || c.type !== 'PartiallyInvalid'),
      ],
    })),
  };
}

function acceptedCondition(generation: number, parent: ParentOutcome, rules: readonly RuleOutcome[]): DesiredCondition {
  if (parent.obstacle !== null) return conditions.routeNotAccepted(generation, parent.obstacle);
  if (rules.length === 0 || rules.some((rule) => rule.problem === null)) return conditions.routeAccepted(generation, parent.exception);
  return conditions.routeNotAccepted(generation, { reason: 'UnsupportedValue', message: problemsOf(rules) });
}

/** The conditions that depend on rules; they are equal for every parent. */
function ruleConditions({ metadata, ignored, withoutEffect = [] }: RouteFacts, rules: readonly RuleOutcome[]): DesiredCondition[] {
  const generation = metadata.generation ?? 0;
  const obstacles = rules.flatMap((rule) => rule.obstacles);
  const message = [...new Set(obstacles.map((obstacle) => obstacle.message))].join('; ');
  const first = obstacles[0];
  const broken = rules.filter((rule) => rule.problem !== null);
  return [
    first === undefined
      ? conditions.routeRefsResolved(generation)
      : conditions.routeRefsNotResolved(generation, { reason: first.reason, message }),
    ...(broken.length === 0 || broken.length === rules.length ? [] : [conditions.routePartiallyInvalid(generation, problemsOf(rules))]),
    ...(ignored.length + withoutEffect.length === 0 ? [] : [conditions.unsupportedFields(generation, ignored, withoutEffect)]),
  ];
}

function problemsOf(rules: readonly RuleOutcome[]): string {
  return rules.flatMap((rule) => rule.problem ?? []).join('; ');
}

function asWritten({ parentRef }: ParentOutcome): ParentRef {
  const { group, kind, namespace, name, sectionName, port } = parentRef;
  return {
    group,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(sectionName === undefined ? {} : { sectionName }),
    ...(port === undefined ? {} : { port }),
  };
}
