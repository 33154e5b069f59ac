// The cookies of one policy in a browser: names, attributes, and long values in several cookies.
import { cookieValue } from '../../../exchange/cookies.ts';
import type { Headers } from '../../../exchange/headers.ts';

/** Browsers keep at most 4096 bytes of a cookie with its name and attributes (RFC 6265bis section 5.5). */
const MAX_CHUNK = 3_700;
/** More would not fit into the head of a request beside the other headers. */
const MAX_CHUNKS = 4;
/** The number of chunks, then the first of them. */
const FIRST_CHUNK = /^([1-9])\.([A-Za-z0-9_-]*)$/;

/** `weir-1a2b3c4d`, with the prefix that binds a cookie to its host and to TLS where there is TLS (RFC 6265bis section 4.1.3.2). */
export function cookieName(id: string, isSecure: boolean): string {
  return `${isSecure ? '__Host-' : ''}weir-${id}`;
}

/** The value of Set-Cookie. `seconds` 0 removes the cookie. */
export function setCookie(name: string, value: string, seconds: number, isSecure: boolean): string {
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
}

/** The names of all cookies of a request that begin with `start`, each once. */
export function cookieNames(headers: readonly string[], start: string): readonly string[] {
  const names = new Set<string>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== 'cookie') continue;
    for (const cookie of (headers[i + 1] as string).split(';')) {
      const name = cookie.split('=', 1)[0]?.trim() ?? '';
      if (name.startsWith(start)) names.add(name);
    }
  }
  return [...names];
}

/** The value that `chunkedCookies` has divided; null if a part is missing. */
export function readChunks(headers: Headers, name: string): string | null {
  const [, count = '', first = ''] = FIRST_CHUNK.exec(cookieValue(headers, name) ?? '') ?? [];
  if (count === '') return null;
  const parts = [first];
  for (let i = 1; i < Number(count); i++) {
    const part = cookieValue(headers, `${name}.${i}`);
    if (part === null) return null;
    parts.push(part);
  }
  return parts.join('');
}

/** The cookies of a value: name and value of each. Null if it is too large for cookies. */
export function chunkedCookies(name: string, value: string): readonly (readonly [string, string])[] | null {
  const count = Math.ceil(value.length / MAX_CHUNK);
  if (count > MAX_CHUNKS) return null;
  return Array.from({ length: count }, (_, i) => {
    const chunk = value.slice(i * MAX_CHUNK, (i + 1) * MAX_CHUNK);
    return i === 0 ? ([name, `${count}.${chunk}`] as const) : ([`${name}.${i}`, chunk] as const);
  });
}
