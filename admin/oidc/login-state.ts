// A login under way. The browser has one random secret in a cookie; state, nonce and verifier follow from it, so that the server keeps
// nothing before a login has succeeded, and replicas share nothing.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { nowSeconds, parseObject, textOf } from '#lib/openid/values.ts';

/** How long the login at the provider may take. */
export const LOGIN_SECONDS = 600;
const SECRET = /^[\w-]{43}$/;
const MAX_RETURN_PATH = 512;
/** `//host` and `/\host` are other hosts for browsers. */
const RETURN_PATH = /^\/(?:[!-.0-[\]-~][!-[\]-~]*)?$/;

/** What binds the parts of a login to each other. */
export interface LoginState {
  /** Comes back with the code: binds the code to this browser. */
  readonly state: string;
  /** Comes back in the ID token: binds the token to this login. */
  readonly nonce: string;
  /** The secret of PKCE (RFC 7636): binds the code to its redemption. */
  readonly verifier: string;
  readonly returnPath: string;
}

/** The secret of a browser: the one that it has, for several logins at once, or a new one. */
export function loginSecret(cookie: string | null): string {
  return cookie !== null && SECRET.test(cookie) ? cookie : randomBytes(32).toString('base64url');
}

/** Begins a login. `seconds`: the time of it; `id`: random, so that each login has other values. */
export function newLogin(
  secret: string,
  returnPath: string,
  seconds = nowSeconds(),
  id = randomBytes(16).toString('base64url'),
): LoginState {
  const facts = { id, seconds, returnPath };
  const text = Buffer.from(JSON.stringify(facts)).toString('base64url');
  return loginOf(secret, text, returnPath);
}

/** The login that a state belongs to; null if this browser began none, or too long ago. */
export function findLogin(secret: string | null, state: string, seconds = nowSeconds()): LoginState | null {
  if (secret === null || !SECRET.test(secret)) return null;
  const [text = ''] = state.split('.', 1);
  const facts = parseObject(Buffer.from(text, 'base64url').toString());
  const login = loginOf(secret, text, facts === null ? '' : textOf(facts, 'returnPath'));
  const begun = Number(facts?.['seconds']);
  if (!isSame(login.state, state) || !(begun + LOGIN_SECONDS > seconds) || !isReturnPath(login.returnPath)) return null;
  return login;
}

/** The S256 challenge of a verifier (RFC 7636 section 4.2). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** Whether a path leads to this server only. */
export function isReturnPath(path: string): boolean {
  return path.length <= MAX_RETURN_PATH && RETURN_PATH.test(path);
}

function loginOf(secret: string, text: string, returnPath: string): LoginState {
  const derived = (use: string): string => createHmac('sha256', secret).update(`${use}\n${text}`).digest('base64url');
  return { state: `${text}.${derived('state')}`, nonce: derived('nonce'), verifier: derived('verifier'), returnPath };
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
