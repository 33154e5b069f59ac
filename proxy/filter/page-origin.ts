// The page that makes a request in a browser: browsers tell its relation to the host in Sec-Fetch-Site (Fetch metadata), and its origin in
// Origin or Referer. Pages cannot set any of the three.
import { normaliseOrigin } from '../exchange/authority.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** The relation of the page to the host: browsers send no other words. */
export const OWN_SITES: ReadonlySet<string> = new Set(['same-origin', 'none']);

/** The value of a header; '' without it, null if it has several lines: no browser sends that. */
export function onlyLine(headers: readonly string[], name: string): string | null {
  let value = '';
  let found = false;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    if (found) return null;
    found = true;
    value = headers[i + 1] as string;
  }
  return found && value === '' ? null : value;
}

/** The origin of the page; '' if the request does not tell, null if it cannot be known. Browsers write `null` for pages without one. */
export function originOf(headers: readonly string[]): string | null {
  const origin = onlyLine(headers, 'origin');
  if (origin !== '') return origin;
  const referer = onlyLine(headers, 'referer');
  if (referer === null || referer === '') return referer;
  return URL.canParse(referer) ? new URL(referer).origin : null;
}

/**
 * The page is of the host itself. A page over HTTPS may also call a proxy that sees HTTP, because something in front ends TLS; a page over
 * HTTP never calls HTTPS, because others on the network can change it.
 */
export function isOwn({ authority, scheme }: Exchange, origin: string): boolean {
  const normal = normaliseOrigin(origin);
  if (normal === normaliseOrigin(`${scheme}://${authority}`)) return true;
  return scheme === 'http' && normal === normaliseOrigin(`https://${authority}`);
}

/** Whether a page of another origin makes the request, as far as the browser tells. */
export function isOfOtherOrigin(exchange: Exchange): boolean {
  const { requestHeaders } = exchange;
  const site = onlyLine(requestHeaders, 'sec-fetch-site');
  if (site !== '') return site === null || !OWN_SITES.has(site);
  const origin = originOf(requestHeaders);
  return origin === null || (origin !== '' && !isOwn(exchange, origin));
}
