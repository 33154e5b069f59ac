// The heads of messages with another body than the one that was received.
import type { Exchange } from './exchange.ts';
import { getHeader, removeHeader, setHeader } from './headers.ts';
import type { Headers } from './headers.ts';
import { UNKNOWN_LENGTH } from './stream.ts';

/** Fields about the bytes of a body (RFC 9530, and the older ones), and about ranges of it. */
const ABOUT_BYTES = ['content-digest', 'repr-digest', 'digest', 'content-md5', 'accept-ranges'];

/** Whether the answer has a body on the wire; its head may announce one also for HEAD. */
export function mayHaveBody({ status, responseLength }: Exchange): boolean {
  return responseLength !== 0 && status >= 200 && status !== 204 && status !== 205 && status !== 304;
}

/** The body becomes another one of unknown length with the same meaning: removes what holds only for the bytes of the backend. */
export function bodyChanges(exchange: Exchange): void {
  const headers = exchange.responseHeaders;
  exchange.responseLength = UNKNOWN_LENGTH;
  for (const name of ABOUT_BYTES) removeHeader(headers, name);
  weaken(headers);
}

/** Fields about the meaning of a body. */
const ABOUT_CONTENT = ['content-encoding', 'content-language', 'content-range', 'content-disposition', 'content-location'];

/** Another body of this length takes the place of the old one: removes everything about that. */
export function bodyIsReplaced(exchange: Exchange, length: number): void {
  const headers = exchange.responseHeaders;
  exchange.responseLength = length;
  for (const name of [...ABOUT_BYTES, ...ABOUT_CONTENT, 'etag', 'last-modified']) removeHeader(headers, name);
}

/** The same for the body of a request. */
export function requestBodyChanges(exchange: Exchange): void {
  exchange.requestLength = UNKNOWN_LENGTH;
  for (const name of ABOUT_BYTES) removeHeader(exchange.requestHeaders, name);
}

/** A strong validator promises equal bytes (RFC 9110 section 8.8.1). */
function weaken(headers: Headers): void {
  const tag = getHeader(headers, 'etag');
  if (tag !== null && !tag.startsWith('W/')) setHeader(headers, 'etag', `W/${tag}`);
}

/** Adds a name to Vary, unless it has it. */
export function varyBy(headers: Headers, name: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'vary') continue;
    const names = (headers[i + 1] as string).toLowerCase().split(',');
    if (names.some((each) => each.trim() === name || each.trim() === '*')) return;
  }
  headers.push('vary', name);
}
