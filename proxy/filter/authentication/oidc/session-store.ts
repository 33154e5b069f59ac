// Where sessions are: the interface of stores, and the one whose sessions are sealed in cookies.
import { nowSeconds } from '#lib/openid/values.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Headers } from '../../../exchange/headers.ts';
import { chunkedCookies, cookieNames, readChunks, setCookie } from './cookie-jar.ts';
import type { Sealer } from './sealer.ts';
import { readSession, type OidcSession } from './session.ts';
import type { Site } from './visit.ts';

/** A browser at a site, as its request shows it. */
export interface Visitor {
  readonly site: Site;
  readonly headers: Headers;
  readonly sealer: Sealer;
}

/** The values of Set-Cookie that a change needs, or the reason why it is impossible, which a refused request tells. */
export type Kept = Result<readonly string[]>;

/** The session of a request, or null if it has none that holds. */
export type Found = Result<OidcSession | null>;

export interface SessionStore {
  /** An error: the session cannot be known now. */
  find(visitor: Visitor): Found | Promise<Found>;
  /** Keeps the session of a login in place of the one that the browser had before. */
  begin(visitor: Visitor, session: OidcSession): Kept | Promise<Kept>;
  /** The session as it is now, if its tokens may be refreshed here; null if that happens elsewhere. */
  claim(visitor: Visitor, session: OidcSession): Found | Promise<Found>;
  /** Keeps a session with new tokens. False: it has ended meanwhile. */
  renew(visitor: Visitor, session: OidcSession): Result<boolean> | Promise<Result<boolean>>;
  /** What a browser with a renewed session gets. */
  renewed(visitor: Visitor, session: OidcSession): Kept;
  /** Ends the session of the request. */
  forget(visitor: Visitor): Kept | Promise<Kept>;
}

/** The whole session is in cookies: nothing else is needed, and nothing ends a copy of them before its time. */
export const COOKIE_SESSIONS: SessionStore = {
  find: (visitor) => {
    const text = readCookie(visitor);
    return ok(text === null ? null : living(readSession(text)));
  },
  begin: keepInCookies,
  claim: (_, session) => ok(session),
  renew: () => ok(true),
  renewed: keepInCookies,
  forget: (visitor) => ok(clearCookie(visitor)),
};

/** A session that is too large is kept without its ID token, which the provider can do without. */
function keepInCookies(visitor: Visitor, session: OidcSession): Kept {
  const remaining = session.endsAt - nowSeconds();
  const cookies =
    writeCookie(visitor, JSON.stringify(session), remaining) ??
    writeCookie(visitor, JSON.stringify({ ...session, idToken: '' }), remaining);
  return cookies === null ? err('the session is too large for cookies') : ok(cookies);
}

/** The session, or null if it is over. */
export function living(session: OidcSession | null): OidcSession | null {
  return session === null || session.endsAt <= nowSeconds() ? null : session;
}

/** The text of the session cookie, or null. */
function readCookie({ site, headers, sealer }: Visitor): string | null {
  const sealed = readChunks(headers, site.cookie);
  return sealed === null ? null : sealer.open(sealed, site.cookie);
}

/** Set-Cookie for a text in the session cookie. Null if it is too large. */
function writeCookie(visitor: Visitor, text: string, seconds: number): readonly string[] | null {
  const { cookie } = visitor.site;
  const chunks = chunkedCookies(cookie, visitor.sealer.seal(text, cookie));
  return chunks === null ? null : cookiesOf(visitor, chunks, seconds);
}

/** Set-Cookie for the chunks of the session cookie, without those of a longer one. */
export function cookiesOf(visitor: Visitor, chunks: readonly (readonly [string, string])[], seconds: number): readonly string[] {
  const { isSecure } = visitor.site;
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
