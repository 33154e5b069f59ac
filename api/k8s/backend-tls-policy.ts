// BackendTLSPolicy: TLS from a Gateway to a Service (GEP-1897).
import { Type, type Static } from '#lib/typebox.ts';
import { LocalReference } from './reference.ts';
import { closed, DnsName, GATEWAY_GROUP, Group, Hostname, Kind, objectOf, PreciseHostname } from './schema.ts';

/** A Service or a Backend; `sectionName` is the name of a port of a Service. */
export const BackendTlsTarget = closed({ group: Group, kind: Kind, name: DnsName, sectionName: Type.Optional(DnsName) });
export type BackendTlsTarget = Static<typeof BackendTlsTarget>;

/** A name in the certificate of the backend. */
const SubjectAltName = closed({
  type: Type.Enum(['Hostname', 'URI']),
  hostname: Type.Optional(Hostname),
  uri: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
});

export const BackendTlsPolicy = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'BackendTLSPolicy',
  closed({
    targetRefs: Type.Array(BackendTlsTarget, { minItems: 1, maxItems: 16 }),
    validation: closed({
      caCertificateRefs: Type.Array(LocalReference, { default: [], maxItems: 8 }),
      wellKnownCACertificates: Type.Optional(Type.Enum(['System', ''])),
      hostname: PreciseHostname,
      subjectAltNames: Type.Array(SubjectAltName, { default: [], maxItems: 5 }),
    }),
    options: Type.Record(Type.String(), Type.String(), { default: {} }),
  }),
);
export type BackendTlsPolicy = Static<typeof BackendTlsPolicy>;
