// A session of a user, as it is sealed.
import { createHash } from 'node:crypto';
import { isObject, parseObject } from '#lib/openid/values.ts';

/** All times are seconds since 1970; '' stands for what the provider did not send or the session does not need. */
export interface OidcSession {
  /** Random: another one after each login. */
  readonly id: string;
  readonly subject: string;
  /** The session at the provider, which back-channel logout names. */
  readonly sid: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly refreshToken: string;
  /** Only if the backend gets it. */
  readonly accessToken: string;
  /** Tells the provider at logout which session ends. */
  readonly idToken: string;
  /** From then on the tokens need a refresh. */
  readonly freshUntil: number;
  /** The end, whatever is refreshed. */
  readonly endsAt: number;
}

/** Reads what `JSON.stringify` made of a session. Null if the text is none, such as one of another release. */
export function readSession(text: string): OidcSession | null {
  const value = parseObject(text);
  if (value === null) return null;
  const { id, subject, sid, claims, refreshToken, accessToken, idToken, freshUntil, endsAt } = value;
  const areTexts = [id, subject, sid, refreshToken, accessToken, idToken].every((each) => typeof each === 'string');
  const areNumbers = typeof freshUntil === 'number' && typeof endsAt === 'number';
  return areTexts && areNumbers && isObject(claims) ? (value as unknown as OidcSession) : null;
}

/** The key of an entry in Redis: the digest of a name, so that names cannot be read there. `client`: `id` of the terms. */
export function entryOf(client: string, name: string): string {
  return `weir:oidc:${client}:session:${digestOf(name)}`;
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
