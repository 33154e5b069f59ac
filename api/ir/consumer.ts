// A consumer: a caller that Weir knows, with its credentials in the form that proxies compare. It is a resource of its own, so that a
// revocation is a change of one resource and recompiles no route.
import { Type, type Static } from '#lib/typebox.ts';
import type { ResourceKindOf } from './resource-kind.ts';

/** Milliseconds since the epoch: the credential is valid from `notBefore` until just before `expires`. */
const PERIOD = {
  notBefore: Type.Optional(Type.Integer()),
  expires: Type.Optional(Type.Integer()),
};

const text = Type.String({ minLength: 1 });

function credential<const T extends string, P extends Record<string, ReturnType<typeof Type.String>>>(type: T, fields: P) {
  return Type.Object({ type: Type.Literal(type), ...fields, ...PERIOD }, { additionalProperties: false });
}

/** `source` of a value: `<name of the Secret>/<key>`. */
const source = text;

/**
 * One credential. ApiKey: the SHA-256 digest of the key, hexadecimal. Basic: a hash that lib/password-hash.ts reads. Hmac: the shared
 * secret, base64. Each of these values is '' while the controller cannot read its existing Secret: a proxy that has a value of the same
 * source keeps it. PublicKey: PEM. Certificate: `field` is the property of the certificate; a subject has the form of
 * lib/distinguished-name.ts, a fingerprint is lower-case hexadecimal without colons.
 */
export const ConsumerCredential = Type.Union([
  credential('ApiKey', { source, digest: Type.String({ pattern: '^([0-9a-f]{64})?$' }) }),
  credential('Basic', { source, username: text, hash: Type.String() }),
  credential('Hmac', { source, keyId: text, secret: Type.String() }),
  credential('Jwt', { issuer: text, claim: text, value: text }),
  credential('Certificate', { field: text, value: text }),
  credential('PublicKey', { keyId: text, pem: text }),
]);
export type ConsumerCredential = Static<typeof ConsumerCredential>;

/** One consumer. Key: `<namespace>/<name>`. Its name is unique in its namespace; consumers of other namespaces are others. */
export const Consumer = Type.Object(
  {
    kind: Type.Literal('Consumer'),
    key: Type.String({ minLength: 1 }),
    groups: Type.Array(Type.String()),
    /** '' without a plan. */
    plan: Type.String(),
    /** Every credential is refused. */
    disabled: Type.Boolean(),
    /** Milliseconds since the epoch, after which every credential is refused. */
    expires: PERIOD.expires,
    credentials: Type.Array(ConsumerCredential),
  },
  { additionalProperties: false },
);
export type Consumer = Static<typeof Consumer>;

/** The name by which others need all consumers of a namespace. */
export function consumersName(namespace: string): string {
  return `Consumers/${namespace}`;
}

export const consumerKind: ResourceKindOf<typeof Consumer> = {
  kind: 'Consumer',
  schema: Consumer,
  origin: (key) => {
    const [namespace = '', name = ''] = key.split('/');
    return { ref: { kind: 'Consumer', namespace, name }, part: '' };
  },
  hasStatus: true,
  references: { from: 'key', read: (key) => ({ names: [consumersName(key.slice(0, key.indexOf('/')))], needs: [] }) },
  additions: [{ capability: 'consumers', path: '', otherwise: 'withhold' }],
};

/**
 * The identity that a credential proves: two credentials with the same one cannot be told apart. It has no secret, but it has digests of API
 * keys: not for logs.
 */
export function identityOf(credential: ConsumerCredential): string {
  switch (credential.type) {
    case 'ApiKey':
      return `ApiKey ${credential.digest}`;
    case 'Basic':
      return `Basic ${credential.username}`;
    case 'Hmac':
    case 'PublicKey':
      return `${credential.type} ${credential.keyId}`;
    case 'Jwt':
      return jwtIdentity(credential.issuer, credential.claim, credential.value);
    case 'Certificate':
      return `Certificate ${credential.field} ${credential.value}`;
  }
}

/** The identity of a token. JSON keeps the parts apart. */
export function jwtIdentity(issuer: string, claim: string, value: string): string {
  return `Jwt ${JSON.stringify([issuer, claim, value])}`;
}
