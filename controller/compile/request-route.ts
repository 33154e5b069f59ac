// HTTPRoutes and GRPCRoutes with a parent of this controller: one Route resource per rule, and the status for each parent.
import type { GrpcRoute, HttpRoute } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import { createdAt } from './age.ts';
import { attach, attachedCounter } from './attachment.ts';
import type { RouteReferrer } from './backend-refs.ts';
import type { RouteKind } from './route-kinds.ts';
import { mergeAttachments, routeStatus } from './route-status.ts';
import type { CompiledRule } from './rule.ts';
import { needSessionKeys } from './session-keys.ts';
import { valueOnly, type UnitOutput, type View } from './view.ts';

/** Compiles a rule; `field` is its path in the object. */
type CompileRule<R> = (view: View, from: RouteReferrer, rule: R, field: string) => CompiledRule;

/** Compiles a route; `compileRule` is the function of its kind. */
export function compileRequestRoute<R extends HttpRoute | GrpcRoute>(
  view: View,
  kind: RouteKind,
  route: R,
  compileRule: CompileRule<R['spec']['rules'][number]>,
): UnitOutput<null> {
  const { metadata, spec } = route;
  const { name, namespace = '' } = metadata;
  const parents = attach(view, { kind, namespace, name, hostnames: spec.hostnames, parentRefs: spec.parentRefs });
  if (parents.length === 0) return valueOnly(null);
  const from = { kind: kind.kind, namespace, carries: 'requests' } as const;
  const rules = spec.rules.map((rule, i) => compileRule(view, from, rule, `spec.rules[${i}]`));
  return {
    ...valueOnly(null),
    resources: routesOf(route, rules, mergeAttachments(parents)),
    status: routeStatus(
      { kind: kind.kind, metadata, ignored: ignoredFields(route), withoutEffect: lostSessions(view, route) },
      parents,
      rules,
    ),
    counters: parents.flatMap((parent) => parent.counted.map(attachedCounter)),
  };
}

function routesOf(route: HttpRoute | GrpcRoute, rules: readonly CompiledRule[], attachments: ir.Attachment[]): ir.Route[] {
  if (attachments.length === 0) return [];
  const { kind: objectKind, metadata, spec } = route;
  const { name, namespace = '' } = metadata;
  const age = { createdAt: createdAt(metadata) };
  return rules.flatMap(({ content }, ruleIndex) => {
    if (content.matches.length === 0) return [];
    const ruleName = spec.rules[ruleIndex]?.name ?? '';
    const key = `${objectKind}/${namespace}/${name}/${ruleIndex}`;
    return [{ kind: 'Route', key, objectKind, namespace, name, ruleIndex, ruleName, ...age, attachments, ...content }];
  });
}

/** The session persistence of rules for which there are no keys. */
function lostSessions(view: View, { spec }: HttpRoute | GrpcRoute): readonly string[] {
  const keeping = spec.rules.flatMap(({ sessionPersistence }, i) => (sessionPersistence === undefined ? [] : [`spec.rules[${i}]`]));
  const lack = keeping.length === 0 ? '' : needSessionKeys(view);
  return lack === '' ? [] : [`${keeping.map((rule) => `${rule}.sessionPersistence`).join(', ')}: ${lack}`];
}

/** Fields of the route that Weir ignores. */
function ignoredFields({ spec }: HttpRoute | GrpcRoute): readonly string[] {
  return spec.useDefaultGateways === undefined ? [] : ['spec.useDefaultGateways'];
}
