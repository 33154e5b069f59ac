// The components of a request that a signature covers, and the text that is signed (RFC 9421 section 2).
import { innerListText, itemText, type InnerList, type Item } from '#lib/structured-fields.ts';
import { joinHeader } from '../../exchange/headers.ts';

/** The parts of an exchange that signatures cover. */
export interface SignedRequest {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
  readonly hasQuery: boolean;
  readonly requestHeaders: readonly string[];
  readonly contentLength: number;
}

/** The text that is signed; null if the request lacks a component, or if a component is not allowed. */
export function signatureBase(covered: InnerList, request: SignedRequest): Buffer | null {
  const seen = new Set<string>();
  let text = '';
  for (const item of covered.items) {
    const identifier = itemText(item);
    const value = seen.has(identifier) ? null : componentValue(item, request);
    if (value === null) return null;
    seen.add(identifier);
    text += `${identifier}: ${value}\n`;
  }
  return Buffer.from(`${text}"@signature-params": ${innerListText(covered)}`, 'latin1');
}

/** Null: the request does not have it, or the form of the component is not allowed. */
function componentValue({ bare, parameters }: Item, request: SignedRequest): string | null {
  if (bare.type !== 'string') return null;
  if (bare.value === '@query-param') return parameters.size === 1 ? queryParameter(request, parameters.get('name')) : null;
  // sf, key, bs, tr and req: other readings of the same field.
  if (parameters.size > 0) return null;
  return bare.value.startsWith('@') ? derivedValue(bare.value, request) : fieldValue(bare.value, request);
}

function derivedValue(name: string, request: SignedRequest): string | null {
  switch (name) {
    case '@method':
      return request.method;
    case '@scheme':
      return request.scheme;
    case '@authority':
      return authorityOf(request);
    case '@path':
      return request.path;
    case '@query':
      return `?${request.query}`;
    case '@target-uri':
      return `${request.scheme}://${authorityOf(request)}${targetOf(request)}`;
    default:
      return null;
  }
}

/** The path with the query, as in the first line of HTTP/1.1. */
export function targetOf({ path, query, hasQuery }: SignedRequest): string {
  return hasQuery ? `${path}?${query}` : path;
}

/** In lower case, without the default port (RFC 9421 section 2.2.3). */
function authorityOf({ authority, scheme }: SignedRequest): string {
  return authority.toLowerCase().replace(scheme === 'https' ? /:443$/ : /:80$/, '');
}

/** A field name in upper case is another identifier, and not allowed. The codecs keep the fields for framing apart. */
export function fieldValue(name: string, { requestHeaders, authority, contentLength }: SignedRequest): string | null {
  if (name === 'host') return authority;
  if (name === 'content-length') return contentLength < 0 ? null : String(contentLength);
  return joinHeader(requestHeaders, name);
}

/** The decoded and encoded value of a parameter that the query has exactly once (RFC 9421 section 2.2.8). */
function queryParameter({ query }: SignedRequest, name: Item['bare'] | undefined): string | null {
  if (name?.type !== 'string') return null;
  const values: string[] = [];
  for (const [key, value] of new URLSearchParams(query)) if (encoded(key) === name.value) values.push(value);
  return values.length === 1 ? encoded(values[0] as string) : null;
}

/** All but letters, digits and `*-._` as bytes of UTF-8. */
function encoded(text: string): string {
  let result = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    result += /[A-Za-z0-9*._-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return result;
}
