// A login under way: what only the browser that began it has, sealed in a cookie of its own until the provider sends the browser back.
import { createHash, randomBytes } from 'node:crypto';
import { nowSeconds, parseObject, textOf } from '#lib/openid/values.ts';
import { cookieValue } from '../../../exchange/cookies.ts';
import { cookieNames, setCookie } from './cookie-jar.ts';
import type { Visitor } from './session-store.ts';
import { isReturnPath } from './visit.ts';

/** How long the login at the provider may take. */
const LOGIN_SECONDS = 600;
/** Tabs that log in at once; further ones let go of the others. */
const MAX_LOGINS = 4;
const RANDOM_BYTES = 32;

export interface LoginState {
  /** Comes back with the code: binds the code to this browser. */
  readonly state: string;
  /** Comes back in the ID token: binds the token to this login. */
  readonly nonce: string;
  /** The secret of PKCE (RFC 7636): binds the code to its redemption. */
  readonly verifier: string;
  readonly redirectUri: string;
  readonly returnPath: string;
}

export function newLogin(redirectUri: string, returnPath: string): LoginState {
  const random = (): string => randomBytes(RANDOM_BYTES).toString('base64url');
  return { state: random(), nonce: random(), verifier: random(), redirectUri, returnPath };
}

/** The S256 challenge of a verifier. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** Set-Cookie for a login that begins. */
export function keepLogin(visitor: Visitor, login: LoginState): readonly string[] {
  const { site, headers, sealer } = visitor;
  const name = nameOf(visitor, login.state);
  const others = cookieNames(headers, prefixOf(visitor));
  const removed = others.length < MAX_LOGINS ? [] : others.map((other) => setCookie(other, '', 0, site.isSecure));
  const sealed = sealer.seal(JSON.stringify({ ...login, endsAt: nowSeconds() + LOGIN_SECONDS }), name);
  return [...removed, setCookie(name, sealed, LOGIN_SECONDS, site.isSecure)];
}

/** The login that a state belongs to; null if this browser began none, or too long ago. */
export function findLogin(visitor: Visitor, state: string): LoginState | null {
  const name = nameOf(visitor, state);
  const text = visitor.sealer.open(cookieValue(visitor.headers, name) ?? '', name);
  const kept = text === null ? null : parseObject(text);
  if (kept === null || typeof kept['endsAt'] !== 'number' || kept['endsAt'] <= nowSeconds()) return null;
  const [nonce, verifier, redirectUri] = [textOf(kept, 'nonce'), textOf(kept, 'verifier'), textOf(kept, 'redirectUri')];
  const returnPath = textOf(kept, 'returnPath');
  if (textOf(kept, 'state') !== state || nonce === '' || verifier === '') return null;
  return { state, nonce, verifier, redirectUri, returnPath: isReturnPath(returnPath) ? returnPath : '/' };
}

/** Set-Cookie that ends a login. */
export function endLogin(visitor: Visitor, state: string): string {
  return setCookie(nameOf(visitor, state), '', 0, visitor.site.isSecure);
}

function prefixOf({ site }: Visitor): string {
  return `${site.cookie}-login-`;
}

/** The name has a part of the digest of the state, so that every tab has a cookie of its own. */
function nameOf(visitor: Visitor, state: string): string {
  return prefixOf(visitor) + createHash('sha256').update(state).digest('hex').slice(0, 16);
}
