// The refusals of bearer tokens (RFC 6750 section 3), for all authenticators of such tokens.
import { refused, type Outcome } from './authenticator.ts';

/** The token is malformed, expired or not for this proxy. */
export function invalidToken(reason: string): Outcome {
  return refused(reason, 'Bearer error="invalid_token"');
}

/** The token is valid and lacks one of the scopes, which the challenge lists. */
export function insufficientScope(scopes: readonly string[]): Outcome {
  const list = scopes.every((scope) => SCOPE.test(scope)) ? `, scope="${scopes.join(' ')}"` : '';
  return { type: 'insufficient', reason: 'the token lacks a scope', challenge: `Bearer error="insufficient_scope"${list}` };
}

/** RFC 6749 section 3.3. Other texts could end the quotes. */
const SCOPE = /^[!#-\[\]-~]+$/;
