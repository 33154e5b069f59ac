// A cluster: the target of a backendRef (a port of a Service, or a Backend), without its endpoints.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import { objectName, originOfKey, type References, type ResourceKindOf, type ResourceOrigin } from './resource-kind.ts';
import { TlsSettings } from './tls-settings.ts';

/** The protocol between the proxy and the endpoints of a cluster. */
export const ClusterProtocol = Type.Union([Type.Literal('http1'), Type.Literal('http2'), Type.Literal('tcp'), Type.Literal('udp')]);
export type ClusterProtocol = Static<typeof ClusterProtocol>;

/** A name in a certificate. A host name also matches a wildcard name of the certificate; a URI must be equal. */
export const SubjectAltName = Type.Object(
  { type: Type.Union([Type.Literal('Hostname'), Type.Literal('URI')]), value: Type.String({ minLength: 1 }) },
  { additionalProperties: false },
);
export type SubjectAltName = Static<typeof SubjectAltName>;

/** TLS to the endpoints of a cluster (BackendTLSPolicy). */
export const UpstreamTls = Type.Object(
  {
    /** Sent as SNI. */
    serverName: Type.String({ minLength: 1 }),
    /** The certificate must have at least one of these names. */
    subjectAltNames: Type.Array(SubjectAltName, { minItems: 1 }),
    /**
     * Keys of TrustBundle resources, or `System` for the authorities of the proxy's platform. With an empty list every connection fails.
     */
    authorities: Type.Union([Type.Literal('System'), Type.Array(Type.String())]),
    /** Absent: the defaults of the proxy. */
    settings: Type.Optional(TlsSettings),
  },
  { additionalProperties: false },
);
export type UpstreamTls = Static<typeof UpstreamTls>;

/** Key: `Service/<namespace>/<name>/<port>`, with `/udp` for a UDP port, or `Backend/<namespace>/<name>`. Its Endpoints resource has the same key. */
export const Cluster = Type.Object(
  {
    kind: Type.Literal('Cluster'),
    key: Type.String({ minLength: 1 }),
    protocol: ClusterProtocol,
    /** Absent: without TLS. */
    tls: Type.Optional(UpstreamTls),
    /** Where the endpoints come from if not from Kubernetes, in words for operators. */
    source: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
export type Cluster = Static<typeof Cluster>;

/** The Service with the port, or the Backend, of a cluster key. */
export function originOfBackend(key: string): ResourceOrigin {
  return originOfKey(key, (port) => (port === '' ? '' : `port ${port}`));
}

export const clusterKind: ResourceKindOf<typeof Cluster> = {
  kind: 'Cluster',
  schema: Cluster,
  origin: originOfBackend,
  hasStatus: false,
  references: { from: 'content', read: referencesOfCluster },
  additions: [{ capability: 'endpoint-source', path: 'source', otherwise: 'omit silently' }],
};

/** A cluster needs the policies of its object and its trust bundles. */
function referencesOfCluster({ key, tls }: Cluster): References {
  const authorities = tls === undefined || tls.authorities === 'System' ? [] : tls.authorities;
  const bundles = new Set(authorities.map((bundle) => resourceId('TrustBundle', bundle)));
  return { names: [resourceId('Cluster', key)], needs: [objectName(originOfBackend(key).ref), ...bundles] };
}
