// A stream route: one rule of a TCPRoute, TLSRoute or UDPRoute. It routes whole connections (for UDP: all datagrams of one peer), by their
// listener and, with TLS, the server name of the handshake.
import { Type, type Static } from '#lib/typebox.ts';
import type { ResourceKindOf } from './resource-kind.ts';
import { originOfRule, referencesOfRule, ruleFields, withVisibleAttachments } from './route.ts';

/** A destination of connections. Null cluster: the reference is invalid; its share of the connections is refused. */
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
 * One rule. Key: `<Kind>/<namespace>/<name>/<rule index>`. The host names of its attachments are server names (SNI); only TLSRoutes have
 * others than ''. Ties between routes for the same name: the older object, then `namespace/name`, then the order of the rules.
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
