// Conditional requests: those of clients, answered out of the store, and those of the cache to the backend (RFC 9111 section 4.3, RFC 9110
// section 13).
import { getHeader, hasHeader, joinHeader, removeHeader, setHeader, type Headers } from '../exchange/headers.ts';
import { parseHttpTime } from './http-time.ts';

/** Whether the client has the answer already (RFC 9110 section 13.2.2): it gets 304. */
export function isNotModified(requestHeaders: readonly string[], stored: readonly string[]): boolean {
  const tags = joinHeader(requestHeaders, 'if-none-match');
  if (tags !== null) return matchesWeakly(tags, getHeader(stored, 'etag'));
  const known = getHeader(requestHeaders, 'if-modified-since');
  if (known === null) return false;
  const since = parseHttpTime(known);
  const changed = parseHttpTime(getHeader(stored, 'last-modified') ?? '');
  return since !== null && changed !== null && changed <= since;
}

function matchesWeakly(tags: string, etag: string | null): boolean {
  if (tags.trim() === '*') return true;
  if (etag === null) return false;
  const own = opaque(etag);
  return (tags.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => opaque(tag) === own);
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

/** The fields of a condition that a cache evaluates. */
const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-range'];

/** Takes the condition of the client out of a request, so that the answer can be stored. */
export function removeCondition(headers: Headers): void {
  for (const name of CONDITIONS) removeHeader(headers, name);
}

/** Asks the backend whether a stored answer is still current (section 4.3.1). False: the answer has no validator. */
export function addCondition(headers: Headers, stored: readonly string[]): boolean {
  removeCondition(headers);
  const etag = getHeader(stored, 'etag');
  const changed = getHeader(stored, 'last-modified');
  if (etag !== null) setHeader(headers, 'if-none-match', etag);
  if (changed !== null) setHeader(headers, 'if-modified-since', changed);
  return etag !== null || changed !== null;
}

/** Whether a 304 is about the stored answer (section 4.3.4): its validators, if it has any, are the same. */
export function confirms(news: readonly string[], stored: readonly string[]): boolean {
  const etag = getHeader(news, 'etag');
  if (etag !== null) return opaque(etag) === opaque(getHeader(stored, 'etag') ?? '');
  const changed = getHeader(news, 'last-modified');
  return changed === null || changed === getHeader(stored, 'last-modified');
}

/** Fields that describe the stored bytes, or the connection of the 304: they stay (section 3.2). */
const KEPT = new Set(['content-encoding', 'content-type', 'content-range', 'content-length', 'transfer-encoding', 'trailer', 'etag']);

/** The header fields of a stored answer after a 304 (section 3.2). */
export function refreshed(stored: readonly string[], news: readonly string[]): Headers {
  const updates = news.filter((_, i) => i % 2 === 0 && !KEPT.has(news[i] as string));
  const replaced = new Set(updates);
  const headers: Headers = [];
  for (let i = 0; i < stored.length; i += 2)
    if (!replaced.has(stored[i] as string)) headers.push(stored[i] as string, stored[i + 1] as string);
  for (let i = 0; i < news.length; i += 2) if (replaced.has(news[i] as string)) headers.push(news[i] as string, news[i + 1] as string);
  // A tag comes only to an answer that has none.
  const etag = getHeader(news, 'etag');
  if (etag !== null && !hasHeader(headers, 'etag')) headers.push('etag', etag);
  return headers;
}

/** The fields of a 304 (RFC 9110 section 15.4.5): without those that describe a body. */
export function notModifiedHeaders(headers: readonly string[]): Headers {
  const left: Headers = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!name.startsWith('content-') || name === 'content-location') left.push(name, headers[i + 1] as string);
  }
  return left;
}
