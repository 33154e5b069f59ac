// The cookie that has the secret of a session.
import type { AnswerCookie } from '../api/operation.ts';
import { SESSION_COOKIE } from './identity-authenticator.ts';
import type { SessionLimits } from './session-table.ts';

/** '' removes the cookie. Strict: no other site can make a browser send it. */
export function sessionCookie(secret: string, limits: SessionLimits): AnswerCookie {
  return { name: SESSION_COOKIE, value: secret, maxAge: Math.floor(limits.absolute / 1_000), sameSite: 'Strict' };
}
