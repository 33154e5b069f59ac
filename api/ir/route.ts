// A route: one rule of an HTTPRoute or GRPCRoute, with references to its listeners.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import { objectName, originOfKey, type References, type ResourceKindOf, type ResourceOrigin } from './resource-kind.ts';
import { clustersOfFilters, Filter } from './filter.ts';

/**
 * PathPrefix matches whole segments. RegularExpression is RE2 syntax and must match the whole path. GrpcMethod is also an expression, for a
 * gRPC service or method that is not given in full; every prefix except `/` wins over it. `serviceLength` and `methodLength` are the
 * lengths of the service and the method as written; they decide the order of GrpcMethod matches (GRPCRouteRule.matches).
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

/** A header (name in lower case) or query parameter (name as written) to match. RegularExpression is RE2 syntax for the whole value. */
export const ValueMatch = Type.Object(
  {
    type: Type.Union([Type.Literal('Exact'), Type.Literal('RegularExpression')]),
    name: Type.String({ minLength: 1 }),
    value: Type.String(),
  },
  { additionalProperties: false },
);
export type ValueMatch = Static<typeof ValueMatch>;

/** All parts must match. Null method: any method. */
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

/** A destination of requests. Null cluster: the reference is invalid; its share of the requests is answered with 500 and this reason. */
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

/** A listener that the route is attached to, and the host names that both have in common ('' alone: any host). */
export const Attachment = Type.Object({ listener: Type.String(), hostnames: Type.Array(Type.String()) }, { additionalProperties: false });
export type Attachment = Static<typeof Attachment>;

/** GEP-1731. backoff: milliseconds between attempts. */
export const Retry = Type.Object(
  { codes: Type.Array(Type.Integer()), attempts: Type.Integer({ minimum: 0 }), backoff: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);
export type Retry = Static<typeof Retry>;

/** GEP-1619. Milliseconds; 0 is no limit. */
export const SessionPersistence = Type.Object(
  {
    type: Type.Union([Type.Literal('Cookie'), Type.Literal('Header')]),
    /** Of the cookie or header; '' is a name that the proxy makes. */
    name: Type.String(),
    /** The cookie outlives the browser: it has the age `absoluteTimeout`. */
    permanent: Type.Boolean(),
    absoluteTimeout: Type.Integer({ minimum: 0 }),
    idleTimeout: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type SessionPersistence = Static<typeof SessionPersistence>;

/** GEP-1742. Milliseconds; 0 turns the timeout off; null is the proxy's default. */
export const RouteTimeouts = Type.Object(
  {
    request: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    backendRequest: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  },
  { additionalProperties: false },
);
export type RouteTimeouts = Static<typeof RouteTimeouts>;

/** The source object of a rule and its attachments. */
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
 * One rule. Key: `<Kind>/<namespace>/<name>/<rule index>`. Ties between matches are resolved as in the Gateway API: the older object, then
 * `namespace/name`, then the order of the rules.
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
    /** True: the proxy sends requests as HTTP/2, regardless of the cluster's protocol (GRPCRoute). */
    http2: Type.Optional(Type.Literal(true)),
    /** Absent: policies decide. */
    sessionPersistence: Type.Optional(SessionPersistence),
    /** The reason why the rule cannot be served as written: its requests are answered with 500 and this reason. */
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
  additions: [
    // A proxy without it chooses an endpoint for each request.
    { capability: 'session-persistence', path: 'sessionPersistence', otherwise: 'omit' },
    // A proxy without it would let every request through.
    { capability: 'external-auth', path: 'filters[].type=ExternalAuth', otherwise: 'withhold' },
    { capability: 'external-auth', path: 'filters[].service', otherwise: 'withhold' },
    { capability: 'external-auth', path: 'backends[].filters[].type=ExternalAuth', otherwise: 'withhold' },
    { capability: 'external-auth', path: 'backends[].filters[].service', otherwise: 'withhold' },
  ],
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

/** The listeners of a rule need it. The rule needs the policies of its object and its clusters. */
export function referencesOfRule(rule: Rule, clusters: readonly string[]): References {
  const { objectKind, namespace, name, attachments } = rule;
  const needs = [objectName({ kind: objectKind, namespace, name }), ...clusters.map((cluster) => resourceId('Cluster', cluster))];
  return { names: [...new Set(attachments.map(({ listener }) => resourceId('Listener', listener)))], needs: [...new Set(needs)] };
}

/** The rule without attachments to listeners that are not visible. */
export function withVisibleAttachments<R extends Rule>(rule: R, isVisible: (name: string) => boolean): R {
  return { ...rule, attachments: rule.attachments.filter(({ listener }) => isVisible(resourceId('Listener', listener))) };
}
