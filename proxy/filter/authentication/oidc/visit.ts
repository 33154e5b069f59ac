// The request as the login sees it: its origin, whether a person waits for a page, whether another site made it.
import type { Exchange } from '../../../exchange/exchange.ts';
import { getHeader } from '../../../exchange/headers.ts';
import { cookieName } from './cookie-jar.ts';
import type { Terms } from './settings.ts';

/** A longer path does not come back after the login. */
const MAX_RETURN_PATH = 1_500;
const PLAIN_PATH = /^\/[!-[\]-~]*$/;

/** The site that the browser sees. */
export interface Site {
  /** `https://app.example:8443`. */
  readonly origin: string;
  readonly isSecure: boolean;
  /** The name of the cookie with the session; those of logins begin with it. */
  readonly cookie: string;
}

/** That of the request, or the one of the settings. */
export function siteOf(exchange: Exchange, { redirectOrigin, id }: Terms): Site {
  const told = exchange.client?.authority ?? '';
  const origin = redirectOrigin === '' ? `${exchange.scheme}://${told === '' ? exchange.authority : told}` : redirectOrigin;
  const isSecure = origin.startsWith('https:');
  return { origin, isSecure, cookie: cookieName(id, isSecure) };
}

/** A browser that loads a page: only then is a redirect of use. Scripts, images and frames get 401. */
export function isNavigation({ method, requestHeaders, askedUpgrade, grpc }: Exchange): boolean {
  if (grpc || askedUpgrade !== '' || (method !== 'GET' && method !== 'HEAD')) return false;
  if (getHeader(requestHeaders, 'x-requested-with') !== null) return false;
  if (!(getHeader(requestHeaders, 'accept') ?? '').toLowerCase().includes('text/html')) return false;
  return (
    isNullOr(getHeader(requestHeaders, 'sec-fetch-mode'), 'navigate') && isNullOr(getHeader(requestHeaders, 'sec-fetch-dest'), 'document')
  );
}

/** Browsers without fetch metadata do not send the header. */
function isNullOr(value: string | null, expected: string): boolean {
  return value === null || value === expected;
}

/** Path and query of the request, to return to after the login; `/` for what is not plain. It never names a host. */
export function returnPathOf({ path, query, hasQuery }: Exchange): string {
  const target = hasQuery ? `${path}?${query}` : path;
  return isReturnPath(target) ? target : '/';
}

/** `//host` and `/\host` are other hosts for browsers. */
export function isReturnPath(target: string): boolean {
  return target.length <= MAX_RETURN_PATH && PLAIN_PATH.test(target) && !target.startsWith('//');
}

/** Whether a page of this host made the request, or its user by hand. A browser that says nothing about it is not believed. */
export function isOwnRequest({ requestHeaders }: Exchange, { origin }: Site): boolean {
  const relation = getHeader(requestHeaders, 'sec-fetch-site');
  if (relation !== null) return relation === 'same-origin' || relation === 'none';
  const source = getHeader(requestHeaders, 'origin') ?? getHeader(requestHeaders, 'referer') ?? '';
  return source === origin || source.startsWith(`${origin}/`);
}
