// Consumer: a caller that Weir knows, with its credentials, groups and plan.
import { Type, type Static } from '#lib/typebox.ts';
import { closed, DnsName, objectOf, WEIR_GROUP } from './schema.ts';

/** A point in time as RFC 3339 writes it. */
const TIME_FORM = 'a time like 2027-01-31T00:00:00Z';
const TIME_PATTERN = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$';

function time(description: string) {
  return Type.Optional(Type.String({ maxLength: 40, pattern: TIME_PATTERN, description, '~must': TIME_FORM }));
}

/** A text without control characters. */
function line(description: string, maxLength: number) {
  return Type.String({ minLength: 1, maxLength, pattern: '^[^\\x00-\\x1f\\x7f]+$', description, '~must': 'one line of text' });
}

const NAME = { pattern: '^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$', '~must': 'letters, digits, ".", "_" and "-"' };

const secretKey = {
  secretRef: closed(
    { name: Type.String({ ...DnsName, description: 'The name of the Secret.' }) },
    { description: 'A Secret of any type, in the namespace of the Consumer.' },
  ),
  key: Type.String({
    minLength: 1,
    maxLength: 253,
    pattern: '^[A-Za-z0-9._-]+$',
    description: 'The key of the value in the Secret.',
    '~must': 'letters, digits, ".", "_" and "-"',
  }),
};

/** The kinds of credentials, in the order of the reference. */
export const CREDENTIAL_TYPES = ['apiKey', 'basic', 'hmac', 'jwt', 'certificate', 'publicKey'] as const;
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];

/** The properties of a certificate that can name a Consumer. */
export const CERTIFICATE_FIELDS = ['subject', 'dnsName', 'uri', 'fingerprint'] as const;
export type CertificateField = (typeof CERTIFICATE_FIELDS)[number];

/** The rules that the schema of a credential cannot express. */
export const ONE_CREDENTIAL = `must set exactly one of ${CREDENTIAL_TYPES.join(', ')}`;
export const ONE_CERTIFICATE_FIELD = `must set exactly one of ${CERTIFICATE_FIELDS.join(', ')}`;

function oneOf(fields: readonly string[], message: string) {
  return [{ rule: `[${fields.map((field) => `has(self.${field})`).join(', ')}].filter(x, x).size() == 1`, message }];
}

/** One credential of a Consumer. */
export const ConsumerCredential = closed(
  {
    apiKey: Type.Optional(
      closed(secretKey, {
        description: 'An API key: the Secret has the key, or `sha256:` and the SHA-256 digest of the key in hexadecimal.',
      }),
    ),
    basic: Type.Optional(
      closed(
        { username: line('The user name.', 256), ...secretKey },
        {
          description: 'A user name with a password (RFC 7617): the Secret has a bcrypt or argon2 hash, or a htpasswd file with the user.',
        },
      ),
    ),
    hmac: Type.Optional(
      closed(
        { keyId: line('The name of the key in signatures.', 256), ...secretKey },
        { description: 'A shared secret for signatures of requests: the Secret has its bytes, at least 16.' },
      ),
    ),
    jwt: Type.Optional(
      closed(
        {
          issuer: line('The issuer (`iss`) of the tokens.', 2_048),
          claim: Type.String({ ...line('The claim that names the Consumer.', 256), default: 'sub' }),
          value: line('The value of the claim.', 2_048),
        },
        { description: 'JSON Web Tokens with this claim, which a SecurityPolicy verifies.' },
      ),
    ),
    certificate: Type.Optional(
      closed(
        {
          subject: Type.Optional(line('The subject as RFC 4514 writes it: `CN=alice,O=Example`.', 2_048)),
          dnsName: Type.Optional(line('A DNS name of the certificate (subjectAltName).', 253)),
          uri: Type.Optional(line('A URI of the certificate (subjectAltName), such as a SPIFFE ID.', 2_048)),
          fingerprint: Type.Optional(
            Type.String({
              maxLength: 95,
              pattern: '^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$',
              description: 'The SHA-256 digest of the certificate in hexadecimal, with or without colons.',
              '~must': 'a SHA-256 digest: 64 hexadecimal digits, with or without colons',
            }),
          ),
        },
        {
          description: 'Client certificates that the listener has verified.',
          'x-kubernetes-validations': oneOf(CERTIFICATE_FIELDS, ONE_CERTIFICATE_FIELD),
        },
      ),
    ),
    publicKey: Type.Optional(
      closed(
        {
          keyId: line('The name of the key in signatures.', 256),
          pem: Type.String({ minLength: 1, maxLength: 16_384, description: 'The public key, PEM.' }),
        },
        { description: 'A public key for HTTP message signatures (RFC 9421).' },
      ),
    ),
    notBefore: time('The credential is refused before this time.'),
    expires: time('The credential is refused from this time on.'),
  },
  { 'x-kubernetes-validations': oneOf(CREDENTIAL_TYPES, ONE_CREDENTIAL) },
);
export type ConsumerCredential = Static<typeof ConsumerCredential>;

const spec = closed({
  groups: Type.Array(Type.String({ minLength: 1, maxLength: 63, ...NAME }), {
    default: [],
    maxItems: 64,
    description: 'The groups of the Consumer, for authorisation.',
  }),
  plan: Type.Optional(
    Type.String({ minLength: 1, maxLength: 63, ...NAME, description: 'The plan of the Consumer: limits may differ by plan.' }),
  ),
  disabled: Type.Boolean({ default: false, description: 'Refuses every credential of the Consumer.' }),
  expires: time('Every credential of the Consumer is refused from this time on.'),
  credentials: Type.Array(ConsumerCredential, {
    default: [],
    maxItems: 32,
    description: 'Each names the Consumer. Several of a kind may be valid at the same time, for example during a rotation.',
  }),
});

export const Consumer = objectOf(`${WEIR_GROUP}/v1alpha1`, 'Consumer', spec);
export type Consumer = Static<typeof Consumer>;
