// A stream route: one rule of a TCPRoute, TLSRoute or UDPRoute. It decides over whole connections (of UDP: all that one peer
// sends), of which it knows no more than where they came in and, on TLS, the server name of the handshake.
import { Type, type Static } from 'typebox';
import type { ResourceKindOf } from './resource-kind.ts';
import { originOfRule, referencesOfRule, ruleFields, withVisibleAttachments } from './route.ts';

/** Where connections go. Null cluster: the reference is invalid, its share of connections is refused. */
export const StreamBackend = Type.Object(
  {
    cluster: Type.Union([Type.String(), Type.Null()]),
    invalidReason: Type.Optional(Type.String()),
    weight: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type StreamBackend = Static<typeof StreamBackend>;

/**
 * One rule. Key: `<Kind>/<namespace>/<name>/<rule index>`. The host names of its attachments are server names (SNI); those of other
 * routes than TLSRoutes are '' alone. Among routes for the same name: older object first, then `namespace/name`, then rule order.
 */
export const StreamRoute = Type.Object(
  {
    kind: Type.Literal('StreamRoute'),
    ...ruleFields,
    backends: Type.Array(StreamBackend),
  },
  { additionalProperties: false },
);
export type StreamRoute = Static<typeof StreamRoute>;

export const streamRouteKind: ResourceKindOf<typeof StreamRoute> = {
  kind: 'StreamRoute',
  schema: StreamRoute,
  origin: originOfRule,
  hasStatus: true,
  references: { from: 'content', read: (route) => referencesOfRule(route, clustersOfStreamRoute(route)) },
  restrict: withVisibleAttachments,
  additions: [],
};

/** The clusters of a stream route; a cluster may occur more than once. */
export function clustersOfStreamRoute({ backends }: StreamRoute): readonly string[] {
  return backends.flatMap(({ cluster }) => (cluster === null ? [] : [cluster]));
}
