// The answer to the challenge of a certificate authority (ACME, RFC 8555), which any proxy of the listener gives. It is a resource of its own,
// so that a challenge recompiles neither a listener nor a route.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import { originOfKey, type ResourceKindOf } from './resource-kind.ts';

/** RFC 8555 section 8.3: the text for `http://<host>/.well-known/acme-challenge/<token>`. */
export const HttpChallenge = Type.Object(
  {
    type: Type.Literal('HTTP01'),
    token: Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 512 }),
    text: Type.String({ minLength: 1, maxLength: 1_024 }),
  },
  { additionalProperties: false },
);
export type HttpChallenge = Static<typeof HttpChallenge>;

/** RFC 8737: the certificate for TLS connections to the host with the protocol `acme-tls/1`. Both are PEM. */
export const TlsChallenge = Type.Object(
  {
    type: Type.Literal('TLSALPN01'),
    certificate: Type.String({ minLength: 1 }),
    privateKey: Type.String({ minLength: 1 }),
  },
  { additionalProperties: false },
);
export type TlsChallenge = Static<typeof TlsChallenge>;

/**
 * The answer for one host. Key: `Secret/<namespace>/<name>/<host>`, with the Secret that the certificate goes into: the fleets that serve
 * it get the challenge.
 */
export const Challenge = Type.Object(
  {
    kind: Type.Literal('Challenge'),
    key: Type.String({ minLength: 1 }),
    /** A host name in lower case. */
    host: Type.String({ minLength: 1 }),
    answer: Type.Union([HttpChallenge, TlsChallenge]),
  },
  { additionalProperties: false },
);
export type Challenge = Static<typeof Challenge>;

/** The key of the challenge for a host of the certificate in a Secret (`<namespace>/<name>`). */
export function challengeKey(secret: string, host: string): string {
  return `Secret/${secret}/${host}`;
}

/** The key (`<namespace>/<name>`) of the Secret of a challenge. */
export function secretOfChallenge(key: string): string {
  const { namespace, name } = originOfKey(key).ref;
  return `${namespace}/${name}`;
}

export const challengeKind: ResourceKindOf<typeof Challenge> = {
  kind: 'Challenge',
  schema: Challenge,
  origin: originOfKey,
  hasStatus: false,
  references: { from: 'key', read: (key) => ({ names: [resourceId('Secret', secretOfChallenge(key))], needs: [] }) },
  // A proxy without it answers no challenge.
  additions: [{ capability: 'acme-challenges', path: '', otherwise: 'remove' }],
};
