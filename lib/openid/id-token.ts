// The claims of an ID token (OpenID Connect Core section 3.1.3.7), after its signature.
import { createHash } from 'node:crypto';
import { nowSeconds } from './values.ts';

/** Other tokens of the same provider must not begin sessions (RFC 8725 section 3.11). */
export const ID_TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'application/jwt']);
const LEEWAY_SECONDS = 60;
const MAX_SUBJECT = 255;

export interface Expectation {
  readonly issuer: string;
  readonly clientId: string;
  /** Null after a refresh, whose token has none. */
  readonly nonce: string | null;
  /** The access token of the same answer; '' without one. */
  readonly accessToken: string;
  readonly algorithm: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** Why the token is not for this login, or null. */
export function idTokenProblem(claims: Claims, expected: Expectation): string | null {
  const { iss, sub } = claims;
  if (iss !== expected.issuer) return 'the ID token is of another issuer';
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT) return 'the ID token has no subject';
  if (!isForClient(claims, expected.clientId)) return 'the ID token is for another client';
  return timeProblem(claims) ?? bindingProblem(claims, expected);
}

function timeProblem({ exp, iat }: Claims): string | null {
  const now = nowSeconds();
  if (typeof exp !== 'number' || exp + LEEWAY_SECONDS <= now) return 'the ID token is expired';
  return typeof iat !== 'number' || iat - LEEWAY_SECONDS > now ? 'the ID token is of the future' : null;
}

/** The token belongs to this login and to this access token. */
function bindingProblem(claims: Claims, expected: Expectation): string | null {
  if (expected.nonce !== null && claims['nonce'] !== expected.nonce) return 'the ID token is of another login';
  const isOther = claims['at_hash'] !== undefined && claims['at_hash'] !== hashFor(expected);
  return isOther ? 'the access token is not that of the ID token' : null;
}

/** A token for several clients says to which it was issued. */
function isForClient({ aud, azp }: Claims, clientId: string): boolean {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(clientId)) return false;
  return azp === undefined ? audiences.length === 1 : azp === clientId;
}

/** The left half of the digest of the algorithm. */
function hashFor({ accessToken, algorithm }: Expectation): string {
  // Ed25519 has the digest SHA-512.
  const bits = /\d{3}$/.exec(algorithm)?.[0] ?? '512';
  const digest = createHash(`sha${bits}`).update(accessToken, 'ascii').digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** Claims about the token and not about the user. */
const OF_TOKEN: ReadonlySet<string> = new Set(['nonce', 'at_hash', 'c_hash', 's_hash', 'exp', 'iat', 'nbf', 'jti', 'sid']);

/** The claims for the principal. */
export function claimsOfUser(claims: Claims): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_TOKEN.has(name)));
}
