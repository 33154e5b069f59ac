// A route: one rule of one HTTPRoute or GRPCRoute, pointing up to the listeners it is attached to.
import { Type, type Static } from 'typebox';
import { resourceId } from './resource-id.ts';
import { objectName, originOfKey, type References, type ResourceKindOf, type ResourceOrigin } from './resource-kind.ts';
import { clustersOfFilters, Filter } from './filter.ts';

/**
 * PathPrefix matches whole segments. RegularExpression is RE2 syntax and must match the whole path. So is GrpcMethod, for a gRPC
 * service or method that is not given in full; it yields to every prefix but `/`. The lengths are those of the service and the
 * method as they were written, by which several of them are ordered (GRPCRouteRule.matches).
 */
export const PathMatch = Type.Object(
  {
    type: Type.Union([Type.Literal('Exact'), Type.Literal('PathPrefix'), Type.Literal('RegularExpression'), Type.Literal('GrpcMethod')]),
    value: Type.String({ minLength: 1 }),
    serviceLength: Type.Optional(Type.Integer({ minimum: 0 })),
    methodLength: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);
export type PathMatch = Static<typeof PathMatch>;

/** A header (name in lower case) or query parameter (name as it is) to match. RegularExpression is RE2 syntax, whole value. */
export const ValueMatch = Type.Object(
  {
    type: Type.Union([Type.Literal('Exact'), Type.Literal('RegularExpression')]),
    name: Type.String({ minLength: 1 }),
    value: Type.String(),
  },
  { additionalProperties: false },
);
export type ValueMatch = Static<typeof ValueMatch>;

/** All parts must hold. Null method: any. */
export const Match = Type.Object(
  {
    path: PathMatch,
    method: Type.Union([Type.String(), Type.Null()]),
    headers: Type.Array(ValueMatch),
    queryParams: Type.Array(ValueMatch),
  },
  { additionalProperties: false },
);
export type Match = Static<typeof Match>;

/** Where requests go. Null cluster: the reference is invalid, its share of requests is answered 500 with this reason. */
export const RouteBackend = Type.Object(
  {
    cluster: Type.Union([Type.String(), Type.Null()]),
    invalidReason: Type.Optional(Type.String()),
    weight: Type.Integer({ minimum: 0 }),
    filters: Type.Array(Filter),
  },
  { additionalProperties: false },
);
export type RouteBackend = Static<typeof RouteBackend>;

/** A listener the route is attached to, with the host names both agree on ('' alone means any host). */
export const Attachment = Type.Object({ listener: Type.String(), hostnames: Type.Array(Type.String()) }, { additionalProperties: false });
export type Attachment = Static<typeof Attachment>;

/** GEP-1731. backoff: milliseconds between attempts. */
export const Retry = Type.Object(
  { codes: Type.Array(Type.Integer()), attempts: Type.Integer({ minimum: 0 }), backoff: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);
export type Retry = Static<typeof Retry>;

/** GEP-1742. Milliseconds; 0 turns the timeout off; null leaves it to the proxy's default. */
export const RouteTimeouts = Type.Object(
  {
    request: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    backendRequest: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  },
  { additionalProperties: false },
);
export type RouteTimeouts = Static<typeof RouteTimeouts>;

/** Where a rule comes from and what it is attached to. */
export const ruleFields = {
  key: Type.String({ minLength: 1 }),
  objectKind: Type.String(),
  namespace: Type.String(),
  name: Type.String(),
  ruleIndex: Type.Integer({ minimum: 0 }),
  ruleName: Type.String(),
  /** metadata.creationTimestamp of the object, seconds since the epoch. */
  createdAt: Type.Integer({ minimum: 0 }),
  attachments: Type.Array(Attachment),
};

type Rule = Pick<Route, 'objectKind' | 'namespace' | 'name' | 'attachments'>;

/**
 * One rule. Key: `<Kind>/<namespace>/<name>/<rule index>`.
 * Ties between matches are broken as the Gateway API says: older object first, then `namespace/name`, then rule order.
 */
export const Route = Type.Object(
  {
    kind: Type.Literal('Route'),
    ...ruleFields,
    matches: Type.Array(Match),
    filters: Type.Array(Filter),
    backends: Type.Array(RouteBackend),
    timeouts: RouteTimeouts,
    retry: Type.Union([Retry, Type.Null()]),
    /** Set when requests go out as HTTP/2 whatever the protocol of the cluster, as gRPC needs it (GRPCRoute). */
    http2: Type.Optional(Type.Literal(true)),
    /** Set when the rule cannot be served as written: its requests are answered 500 with this reason, all else is untouched. */
    invalidReason: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
export type Route = Static<typeof Route>;

export const routeKind: ResourceKindOf<typeof Route> = {
  kind: 'Route',
  schema: Route,
  origin: originOfRule,
  hasStatus: true,
  references: { from: 'content', read: (route) => referencesOfRule(route, clustersOfRoute(route)) },
  restrict: withVisibleAttachments,
  additions: [],
};

/** The clusters of the backends and the filters of a route; a cluster may occur more than once. */
export function clustersOfRoute({ filters, backends }: Route): readonly string[] {
  return [
    ...clustersOfFilters(filters),
    ...backends.flatMap((backend) => [...(backend.cluster === null ? [] : [backend.cluster]), ...clustersOfFilters(backend.filters)]),
  ];
}

/** The rule of an object, by a key of a route or a stream route. */
export function originOfRule(key: string): ResourceOrigin {
  return originOfKey(key, (index) => `spec.rules[${index}]`);
}

/** Its listeners need a rule. The rule needs the policies of its object and its clusters. */
export function referencesOfRule(rule: Rule, clusters: readonly string[]): References {
  const { objectKind, namespace, name, attachments } = rule;
  const needs = [objectName({ kind: objectKind, namespace, name }), ...clusters.map((cluster) => resourceId('Cluster', cluster))];
  return { names: [...new Set(attachments.map(({ listener }) => resourceId('Listener', listener)))], needs: [...new Set(needs)] };
}

/** The rule without attachments to listeners that are not visible. */
export function withVisibleAttachments<R extends Rule>(rule: R, isVisible: (name: string) => boolean): R {
  return { ...rule, attachments: rule.attachments.filter(({ listener }) => isVisible(resourceId('Listener', listener))) };
}
