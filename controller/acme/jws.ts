// Signed requests of ACME (RFC 8555 section 6.2, RFC 7515): ES256 with the key of the account, HS256 for an external account. It is some
// twenty lines with node:crypto, so there is no library for it.
import { createHash, createHmac, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A flattened JWS. */
export interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** The members of a public key of P-256. */
type PublicJwk = Readonly<Record<'crv' | 'kty' | 'x' | 'y', string>>;

/** The public part of a private key. The order of its members is that of RFC 7638. */
export function publicJwk(key: KeyObject): PublicJwk {
  const { crv = '', kty = '', x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { crv, kty, x, y };
}

/** RFC 7638. */
export function thumbprint(key: KeyObject): string {
  return createHash('sha256')
    .update(JSON.stringify(publicJwk(key)))
    .digest('base64url');
}

/** RFC 8555 section 8.1. */
export function keyAuthorization(token: string, key: KeyObject): string {
  return `${token}.${thumbprint(key)}`;
}

/** Signs a request. `payload` undefined: POST-as-GET. */
export function signRequest(key: KeyObject, header: object, payload: unknown): Jws {
  const content = encoded(header, 'ES256', payload);
  const signature = sign('sha256', Buffer.from(`${content.protected}.${content.payload}`), { key, dsaEncoding: 'ieee-p1363' });
  return { ...content, signature: signature.toString('base64url') };
}

/** RFC 8555 section 7.3.4: the key of the account, signed with the key of the customer account (base64url). */
export function signBinding(key: KeyObject, binding: { readonly keyId: string; readonly key: string }, url: string): Jws {
  const content = encoded({ kid: binding.keyId, url }, 'HS256', publicJwk(key));
  const mac = createHmac('sha256', Buffer.from(binding.key, 'base64url')).update(`${content.protected}.${content.payload}`);
  return { ...content, signature: mac.digest('base64url') };
}

function encoded(header: object, alg: string, payload: unknown): Pick<Jws, 'protected' | 'payload'> {
  return {
    protected: base64url(JSON.stringify({ alg, ...header })),
    payload: payload === undefined ? '' : base64url(JSON.stringify(payload)),
  };
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
