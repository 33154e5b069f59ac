// Classes of characters in HTTP/1.1 messages (RFC 9110 section 5.6.2, RFC 9112), as tables: one load per character.

const TCHAR = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;

/** tchar: methods and header names. */
export const TOKEN = table((code) => TCHAR.test(String.fromCharCode(code)));

/** The lower case of a tchar, 0 for everything else. */
export const LOWER_TOKEN = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return TCHAR.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** What a header name of HTTP/2 is made of: tokens without capitals (RFC 9113 section 8.2.1). */
export const LOWER_NAME = table((code) => LOWER_TOKEN[code] === code && code !== 0);

/** What a header value may hold: HTAB, SP, VCHAR and obs-text. No other control character, CR and LF first of all. */
export const FIELD_VALUE = table((code) => code === 0x09 || (code >= 0x20 && code !== 0x7f));

/** What a request target may hold: VCHAR without '#', which ends a URI reference and has no place on the wire. */
export const TARGET = table((code) => code > 0x20 && code < 0x7f && code !== 0x23);

/** Value of a hexadecimal digit, or 255. */
export const HEX = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** Without spaces and tabs at both ends. `trim()` would take NBSP and NEL for blanks too, which the next parser does not. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** OWS: SP and HTAB, nothing else. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function table(holds: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (holds(code) ? 1 : 0));
}
