// What sources of endpoints that ask a server have in common: references to Secrets in the namespace of the Backend, and TLS.
import { Type, type Static } from '#lib/typebox.ts';
import { closed, DnsName, Hostname } from '../schema.ts';

/** The name in a reference to a Secret. */
export const SecretName = Type.String({ ...DnsName, description: 'The name of the Secret, in the namespace of the Backend.' });

/** A Secret, with a description of the entries that are read. */
export function secretRef(description: string) {
  return closed({ name: SecretName }, { description });
}

/** TLS of connections to the server. */
export const ServerTlsSettings = closed(
  {
    caCertificateRef: Type.Optional(
      secretRef('The Secret with the CA certificates of the server, in the entry ca.crt. By default the CAs of Node.js count.'),
    ),
    clientCertificateRef: Type.Optional(
      secretRef('The Secret with the certificate of the controller, in the entries tls.crt and tls.key.'),
    ),
    serverName: Type.Optional(
      Type.String({ ...Hostname, description: 'The name in the certificate of the server; by default the host of its address.' }),
    ),
  },
  { description: 'TLS of the connection to the server.' },
);
export type ServerTlsSettings = Static<typeof ServerTlsSettings>;

/** Names of the Secrets of TLS settings. */
export function secretsOfTls(tls: ServerTlsSettings | undefined): readonly string[] {
  return [tls?.caCertificateRef, tls?.clientCertificateRef].flatMap((ref) => ref?.name ?? []);
}
