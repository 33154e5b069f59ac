// The cookies of a request (RFC 6265 section 4.2): their values, and requests without some of them.
import { removeHeader } from './headers.ts';
import type { Headers } from './headers.ts';

/** The first cookie with the name (RFC 6265 section 4.2.1), or null. */
export function cookieValue(headers: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== 'cookie') continue;
    const value = cookieIn(headers[i + 1] as string, name);
    if (value !== null) return value;
  }
  return null;
}

function cookieIn(list: string, name: string): string | null {
  let start = 0;
  while (start < list.length) {
    const found = list.indexOf(';', start);
    const end = found < 0 ? list.length : found;
    while (list.charCodeAt(start) === 0x20) start++;
    if (list.startsWith(name, start) && list[start + name.length] === '=') return list.slice(start + name.length + 1, end).trimEnd();
    start = end + 1;
  }
  return null;
}

/** Removes all cookies with the name; a Cookie header without any other cookie goes too. */
export function removeCookie(headers: Headers, name: string): void {
  let isEmpty = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== 'cookie' || cookieIn(headers[i + 1] as string, name) === null) continue;
    const others = (headers[i + 1] as string).split(';').filter((cookie) => !cookie.trimStart().startsWith(`${name}=`));
    headers[i + 1] = others.join(';').trim();
    if (others.length === 0) isEmpty = true;
  }
  if (isEmpty) removeEmptyCookies(headers);
}

function removeEmptyCookies(headers: Headers): void {
  const kept = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === 'cookie' && headers[i + 1] !== '') kept.push(headers[i + 1] as string);
  }
  removeHeader(headers, 'cookie');
  for (const value of kept) headers.push('cookie', value);
}
