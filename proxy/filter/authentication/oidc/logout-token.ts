// The claims of a logout token (OpenID Connect Back-Channel Logout section 2.6), after its signature.
import { nowSeconds, textOf } from '#lib/openid/values.ts';
import { err, ok, type Result } from '#lib/result.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const LEEWAY_SECONDS = 60;
const MAX_TEXT = 255;
/** Tokens of other types must not end sessions (RFC 8725 section 3.11). */
export const LOGOUT_TOKEN_TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'logout+jwt', 'application/logout+jwt']);

/** What the provider wants to end. */
export interface ProviderLogout {
  /** The jti of the token. */
  readonly id: string;
  /** The session at the provider; '' for all sessions of the subject. */
  readonly sid: string;
  /** '' if the token names a session only. */
  readonly subject: string;
  /** From then on the token is refused anyway; seconds since 1970. */
  readonly until: number;
}

type Claims = Readonly<Record<string, unknown>>;

/** What a token wants to end, or why it is no logout token of this issuer for this client. */
export function readLogoutToken(
  claims: Claims,
  { issuer, clientId }: { readonly issuer: string; readonly clientId: string },
): Result<ProviderLogout> {
  const { iss, aud, exp, jti } = claims;
  if (iss !== issuer) return err('the logout token is of another issuer');
  if (!(Array.isArray(aud) ? aud : [aud]).includes(clientId)) return err('the logout token is for another client');
  if (!isInTime(claims)) return err('the logout token is not of this time');
  if (!isLogout(claims)) return err('the token is no logout token');
  const [sid, subject] = [textOf(claims, 'sid'), textOf(claims, 'sub')];
  if (!isText(jti) || (sid === '' && subject === '')) return err('the logout token has no id, or names nothing to end');
  return ok({ id: jti, sid, subject, until: Number(exp) + LEEWAY_SECONDS + 1 });
}

function isInTime({ exp, iat }: Claims): boolean {
  const now = nowSeconds();
  return typeof exp === 'number' && typeof iat === 'number' && exp + LEEWAY_SECONDS > now && iat - LEEWAY_SECONDS <= now;
}

/** With the event, and without the nonce that ID tokens have. */
function isLogout({ events, nonce }: Claims): boolean {
  if (nonce !== undefined || typeof events !== 'object' || events === null || !Object.hasOwn(events, EVENT)) return false;
  const event = (events as Claims)[EVENT];
  return typeof event === 'object' && event !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
}
