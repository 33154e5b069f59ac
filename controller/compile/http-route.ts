// HTTPRoutes with a parent of ours: one Route resource for each rule, and the status for each parent.
import type { HttpRoute } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import { attach, attachedCounter } from './attachment.ts';
import { compileRule, type CompiledRule } from './http-rule.ts';
import { HTTP_ROUTE } from './route-kinds.ts';
import { createdAt, mergeAttachments, routeStatus } from './route-status.ts';
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
    const from = { kind: 'HTTPRoute', namespace, carries: 'requests' } as const;
    const rules = route.spec.rules.map((rule, i) => compileRule(view, from, rule, `spec.rules[${i}]`));
    return {
      ...valueOnly(null),
      resources: routesOf(route, rules, mergeAttachments(parents)),
      status: routeStatus({ kind: 'HTTPRoute', metadata: route.metadata, ignored: ignoredFields(route) }, parents, rules),
      counters: parents.flatMap((parent) => parent.counted.map(attachedCounter)),
    };
  },
};

function routesOf(route: HttpRoute, rules: readonly CompiledRule[], attachments: ir.Attachment[]): ir.Route[] {
  if (attachments.length === 0) return [];
  const { name, namespace = '' } = route.metadata;
  const age = { createdAt: createdAt(route.metadata) };
  return rules.flatMap(({ content }, ruleIndex) => {
    if (content.matches.length === 0) return [];
    const ruleName = route.spec.rules[ruleIndex]?.name ?? '';
    const key = `HTTPRoute/${namespace}/${name}/${ruleIndex}`;
    return [{ kind: 'Route', key, objectKind: 'HTTPRoute', namespace, name, ruleIndex, ruleName, ...age, attachments, ...content }];
  });
}

/** What the route asks for and can be served without. */
function ignoredFields(route: HttpRoute): readonly string[] {
  const persistent = route.spec.rules.flatMap((rule, i) =>
    rule.sessionPersistence === undefined ? [] : [`spec.rules[${i}].sessionPersistence`],
  );
  return route.spec.useDefaultGateways === undefined ? persistent : ['spec.useDefaultGateways', ...persistent];
}
