// From which site a request comes: web pages of other sites must not call the admin API with the rights of a browser's user.
import type { IncomingHttpHeaders } from 'node:http';
import { namesLoopback } from '#lib/admin-server.ts';

/** Methods that change nothing. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a request with this method may change something. */
export function isChange(method: string): boolean {
  return !SAFE.has(method);
}

/**
 * Why the Host header is refused; null if it is not. A web page whose name was bound again to loopback (DNS rebinding) sends its own name.
 */
export function hostTrouble(headers: IncomingHttpHeaders, isLoopback: boolean): string | null {
  const host = headers.host ?? '';
  if (host === '') return 'the Host header is missing';
  return isLoopback && !namesLoopback(host) ? 'the Host header must name loopback' : null;
}

/** Whether the headers of a browser say that a page of another origin sends the request. */
export function isForeign(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return headers.origin !== undefined && !isOwnOrigin(headers.origin, headers.host ?? '');
}

/** Whether the headers of a browser prove that a page of this server sends the request. */
export function isOwnPage(headers: IncomingHttpHeaders): boolean {
  if (isForeign(headers)) return false;
  return headers['sec-fetch-site'] === 'same-origin' || headers.origin !== undefined;
}

/** Compares hosts, not schemes: behind a proxy that ends TLS, the page has https and the request http. */
function isOwnOrigin(origin: string, host: string): boolean {
  return URL.parse(origin)?.host === host.toLowerCase();
}
