// The URLs whose stored answers an unsafe request makes invalid (RFC 9111 section 4.4).
import { getHeader } from '../exchange/headers.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** The URLs: that of the request, and those of its origin that the answer names. None if the method is safe or the answer an error. */
export function invalidated(method: string, url: string, status: number, headers: readonly string[]): readonly string[] {
  if (SAFE.has(method) || status < 200 || status >= 400) return [];
  const named = [getHeader(headers, 'location'), getHeader(headers, 'content-location')].flatMap((text) => sameOrigin(text, url));
  return [...new Set([url, ...named])];
}

/** An answer says nothing about URLs of other origins. */
function sameOrigin(text: string | null, base: string): readonly string[] {
  if (text === null || !URL.canParse(text, base)) return [];
  const url = new URL(text, base);
  const own = new URL(base);
  if (url.origin !== own.origin) return [];
  return [`${own.protocol}//${base.split('/')[2] ?? ''}${url.pathname}${url.search}`];
}
