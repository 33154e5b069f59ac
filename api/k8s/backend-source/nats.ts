// Endpoints by the instances that NATS knows: those of a service, or those in a bucket.
import { Type, type Static } from '#lib/typebox.ts';
import { closed } from '../schema.ts';
import type { BackendSourceOf } from './backend-source.ts';
import { secretRef, secretsOfTls, ServerTlsSettings } from './server-access.ts';

const SERVER = 'nats:// or tls:// with a host, and a port if it is not 4222, like nats://nats.example.com or tls://10.0.0.5:4223';
const ONE_QUESTION = 'must set exactly one of service and bucket';

/** A part of a subject. */
function token(description: string) {
  return Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_-]+$', description, '~must': 'letters, digits, "-" and "_"' });
}

const Service = closed(
  {
    name: token('The name of the service.'),
    endpoint: Type.Optional(token('The endpoint of the service whose metadata has the address; by default the first one.')),
  },
  { description: 'The instances that answer for a service of the NATS micro protocol. Their metadata has the address.' },
);

const Bucket = closed(
  {
    name: token('The name of the bucket.'),
    keys: Type.String({
      default: '>',
      minLength: 1,
      maxLength: 256,
      pattern: '^([A-Za-z0-9_=/*-]+)(\\.[A-Za-z0-9_=/*-]+)*(\\.>)?$|^>$',
      description: 'The keys to read: with * for one part and a last > for all further parts, like orders.*.',
      '~must': 'a key of NATS, with * for one part and a last > for all further parts',
    }),
    domain: Type.Optional(token('The domain of JetStream; by default that of the server.')),
  },
  { description: 'The instances in a key-value bucket: each value is a JSON object with address and port.' },
);

export const NatsSettings = closed(
  {
    servers: Type.Array(
      Type.String({
        minLength: 7,
        maxLength: 300,
        pattern: '^(nats|tls)://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$',
        description: 'A server; tls:// requires TLS.',
        '~must': SERVER,
      }),
      {
        minItems: 1,
        maxItems: 8,
        description: 'The servers, in the order in which they are tried. Others that a server names are not used.',
      },
    ),
    service: Type.Optional(Service),
    bucket: Type.Optional(Bucket),
    credentialsRef: Type.Optional(
      secretRef('The Secret with the credentials, in one of the entries creds, nkey or token, or in the entries username and password.'),
    ),
    tls: Type.Optional(ServerTlsSettings),
    tlsFirst: Type.Optional(
      Type.Boolean({ description: 'TLS begins before the server says anything (handshake_first of the server); false by default.' }),
    ),
  },
  {
    'x-kubernetes-validations': [{ rule: 'has(self.service) != has(self.bucket)', message: ONE_QUESTION }],
    description: 'The instances of a service in NATS, or those in a bucket of NATS.',
  },
);
export type NatsSettings = Static<typeof NatsSettings>;

/** The source `nats`. */
export const natsSource: BackendSourceOf<typeof NatsSettings> & { readonly source: 'nats' } = {
  source: 'nats',
  schema: NatsSettings,
  secrets: ({ credentialsRef, tls }) => [
    ...new Set([...(credentialsRef === undefined ? [] : [credentialsRef.name]), ...secretsOfTls(tls)]),
  ],
  describe: ({ service, bucket }) => (service === undefined ? `bucket ${bucket?.name ?? ''}` : `service ${service.name}`),
  check: ({ service, bucket }) => ((service === undefined) === (bucket === undefined) ? [{ field: '', reason: ONE_QUESTION }] : []),
};
