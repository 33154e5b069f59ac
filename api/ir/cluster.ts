// A cluster: what a backendRef points at (one port of a Service, or a Backend), without its endpoints.
import { Type, type Static } from 'typebox';

/** How the proxy talks to the endpoints of a cluster. */
export const ClusterProtocol = Type.Union([Type.Literal('http1'), Type.Literal('http2'), Type.Literal('tcp'), Type.Literal('udp')]);
export type ClusterProtocol = Static<typeof ClusterProtocol>;

/** Key: `Service/<namespace>/<name>/<port>`, with `/udp` for a UDP port, or `Backend/<namespace>/<name>`. Its Endpoints resource has the same key. */
export const Cluster = Type.Object(
  {
    kind: Type.Literal('Cluster'),
    key: Type.String({ minLength: 1 }),
    protocol: ClusterProtocol,
  },
  { additionalProperties: false },
);
export type Cluster = Static<typeof Cluster>;
