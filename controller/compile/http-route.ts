// HTTPRoutes with a parent of ours: one Route resource for each rule, and the status for each parent.
import type { HttpRoute } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import { attach, attachedCounter, type ParentOutcome } from './attachment.ts';
import * as conditions from './conditions.ts';
import { compileRule, type CompiledRule } from './http-rule.ts';
import type { DesiredCondition, DesiredStatus, ParentRef } from './result.ts';
import { HTTP_ROUTE } from './route-kinds.ts';
import { splitKey, valueOnly, type UnitKind } from './view.ts';

/** Key: `<namespace>/<name>`. */
export const httpRouteUnit: UnitKind<null> = {
  name: 'http-route',
  stage: 'route',
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const route = view.object('HTTPRoute', namespace, name);
    if (route === undefined) return valueOnly(null);
    const { hostnames, parentRefs } = route.spec;
    const parents = attach(view, { kind: HTTP_ROUTE, namespace, hostnames, parentRefs });
    if (parents.length === 0) return valueOnly(null);
    const from = { kind: 'HTTPRoute', namespace };
    const rules = route.spec.rules.map((rule, i) => compileRule(view, from, rule, `spec.rules[${i}]`));
    return {
      ...valueOnly(null),
      resources: routesOf(route, rules, mergeAttachments(parents)),
      status: statusOf(route, parents, rules),
      counters: parents.flatMap((parent) => parent.counted.map(attachedCounter)),
    };
  },
};

/** Two parentRefs may lead to the same listener; it is attached to once. */
function mergeAttachments(parents: readonly ParentOutcome[]): ir.Attachment[] {
  const byListener = new Map(parents.flatMap((parent) => parent.attachments.map((attachment) => [attachment.listener, attachment])));
  return [...byListener.values()].sort((a, b) => (a.listener < b.listener ? -1 : 1));
}

function routesOf(route: HttpRoute, rules: readonly CompiledRule[], attachments: ir.Attachment[]): ir.Route[] {
  if (attachments.length === 0) return [];
  const { name, namespace = '', creationTimestamp = '' } = route.metadata;
  const createdAt = Math.max(0, Math.floor(Date.parse(creationTimestamp) / 1000)) || 0;
  return rules.flatMap(({ content }, ruleIndex) => {
    if (content.matches.length === 0) return [];
    const ruleName = route.spec.rules[ruleIndex]?.name ?? '';
    const key = `HTTPRoute/${namespace}/${name}/${ruleIndex}`;
    return [{ kind: 'Route', key, objectKind: 'HTTPRoute', namespace, name, ruleIndex, ruleName, createdAt, attachments, ...content }];
  });
}

function statusOf(route: HttpRoute, parents: readonly ParentOutcome[], rules: readonly CompiledRule[]): DesiredStatus {
  const { name, namespace = '', uid = '', generation = 0 } = route.metadata;
  const ofRules = ruleConditions(route, rules);
  return {
    ref: { kind: 'HTTPRoute', namespace, name },
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

function acceptedCondition(generation: number, parent: ParentOutcome, rules: readonly CompiledRule[]): DesiredCondition {
  if (parent.obstacle !== null) return conditions.routeNotAccepted(generation, parent.obstacle);
  if (rules.some((rule) => rule.problem === null)) return conditions.routeAccepted(generation);
  return conditions.routeNotAccepted(generation, { reason: 'UnsupportedValue', message: problemsOf(rules) });
}

/** What the rules say about the route, the same for every parent. */
function ruleConditions(route: HttpRoute, rules: readonly CompiledRule[]): DesiredCondition[] {
  const generation = route.metadata.generation ?? 0;
  const obstacles = rules.flatMap((rule) => rule.obstacles);
  const message = [...new Set(obstacles.map((obstacle) => obstacle.message))].join('; ');
  const first = obstacles[0];
  const broken = rules.filter((rule) => rule.problem !== null);
  const ignored = ignoredFields(route);
  return [
    first === undefined
      ? conditions.routeRefsResolved(generation)
      : conditions.routeRefsNotResolved(generation, { reason: first.reason, message }),
    ...(broken.length === 0 || broken.length === rules.length ? [] : [conditions.routePartiallyInvalid(generation, problemsOf(rules))]),
    ...(ignored.length === 0 ? [] : [conditions.unsupportedFields(generation, ignored)]),
  ];
}

function problemsOf(rules: readonly CompiledRule[]): string {
  return rules.flatMap((rule) => rule.problem ?? []).join('; ');
}

/** What the route asks for and can be served without. */
function ignoredFields(route: HttpRoute): readonly string[] {
  const persistent = route.spec.rules.flatMap((rule, i) =>
    rule.sessionPersistence === undefined ? [] : [`spec.rules[${i}].sessionPersistence`],
  );
  return route.spec.useDefaultGateways === undefined ? persistent : ['spec.useDefaultGateways', ...persistent];
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
