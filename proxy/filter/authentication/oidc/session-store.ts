// Where sessions are: sealed in cookies, or sealed in Redis with only their sealed key in a cookie.
import type { Headers } from '../../../exchange/headers.ts';
import { chunkedCookies, cookieNames, readChunks, setCookie } from './cookie-jar.ts';
import type { Sealer } from './sealer.ts';
import { nowSeconds, readSession, type OidcSession } from './session.ts';
import type { Site } from './visit.ts';

/** A browser at a site, as its request shows it. */
export interface Visitor {
  readonly site: Site;
  readonly headers: Headers;
  readonly sealer: Sealer;
}

/** The session of a request, null if it has none that holds, or that it cannot be known now. */
export type Found = OidcSession | null | 'unavailable';

/** The values of Set-Cookie that a change needs, or the reason why it is impossible. */
export type Kept = readonly string[] | 'tooLarge' | 'unavailable';

export interface SessionStore {
  find(visitor: Visitor): Found | Promise<Found>;
  keep(visitor: Visitor, session: OidcSession): Kept | Promise<Kept>;
  /** Ends the session of the request. */
  forget(visitor: Visitor, session: OidcSession | null): Kept | Promise<Kept>;
}

/** The whole session is in cookies: nothing else is needed, and nothing ends a copy of them before its time. */
export const COOKIE_SESSIONS: SessionStore = {
  find: (visitor) => {
    const text = readCookie(visitor);
    return text === null ? null : living(readSession(text));
  },
  /** A session that is too large is kept without its ID token, which the provider can do without. */
  keep: (visitor, session) => {
    const remaining = session.endsAt - nowSeconds();
    return (
      writeCookie(visitor, JSON.stringify(session), remaining) ??
      writeCookie(visitor, JSON.stringify({ ...session, idToken: '' }), remaining) ??
      'tooLarge'
    );
  },
  forget: clearCookie,
};

/** The session, or null if it is over. */
export function living(session: OidcSession | null): OidcSession | null {
  return session === null || session.endsAt <= nowSeconds() ? null : session;
}

/** The text of the session cookie, or null. */
export function readCookie({ site, headers, sealer }: Visitor): string | null {
  const sealed = readChunks(headers, site.cookie);
  return sealed === null ? null : sealer.open(sealed, site.cookie);
}

/** Set-Cookie for a text in the session cookie, without chunks of a longer one. Null if the text is too large. */
export function writeCookie(visitor: Visitor, text: string, seconds: number): readonly string[] | null {
  const { cookie, isSecure } = visitor.site;
  const chunks = chunkedCookies(cookie, visitor.sealer.seal(text, cookie));
  if (chunks === null) return null;
  const written = chunks.map(([name, value]) => setCookie(name, value, Math.max(1, seconds), isSecure));
  const kept = new Set(chunks.map(([name]) => name));
  return [...written, ...removals(visitor, (name) => !kept.has(name))];
}

/** Set-Cookie that removes the session cookie. */
export function clearCookie(visitor: Visitor): readonly string[] {
  return removals(visitor, () => true);
}

function removals({ site, headers }: Visitor, goes: (name: string) => boolean): readonly string[] {
  const own = cookieNames(headers, site.cookie).filter((name) => name === site.cookie || name.startsWith(`${site.cookie}.`));
  return own.filter(goes).map((name) => setCookie(name, '', 0, site.isSecure));
}
