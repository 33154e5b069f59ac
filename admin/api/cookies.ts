// Cookies of the admin API (RFC 6265). With TLS their names have the prefix `__Host-`: no other host and no plain connection can set them.
import type { AnswerCookie } from './operation.ts';

const PREFIX = '__Host-';

/** The value of a cookie in the header Cookie, by its name without prefix; null without it. The first of several counts. */
export function cookieIn(header: string | undefined, name: string, isSecure: boolean): string | null {
  const wanted = `${isSecure ? PREFIX : ''}${name}=`;
  for (const pair of header?.split(';') ?? []) {
    const text = pair.trim();
    if (text.startsWith(wanted)) return text.slice(wanted.length);
  }
  return null;
}

/** The header Set-Cookie of a cookie. Throws for a name or value with characters that cookies cannot have: only a bug makes one. */
export function setCookie({ name, value, maxAge, sameSite }: AnswerCookie, isSecure: boolean): string {
  if (!/^[A-Za-z0-9-]+$/.test(name) || !/^[A-Za-z0-9_.~-]*$/.test(value))
    throw new Error(`the cookie ${name} has a character that is not permitted`);
  const age = value === '' ? 0 : maxAge;
  return [
    `${isSecure ? PREFIX : ''}${name}=${value}`,
    'Path=/',
    `Max-Age=${age}`,
    'HttpOnly',
    `SameSite=${sameSite}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
}
