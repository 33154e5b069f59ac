// Classes of characters in HTTP/1.1 messages (RFC 9110 section 5.6.2, RFC 9112), as tables: one load per character.

const TCHAR = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;

/** tchar: methods and header names. */
export const TOKEN = table((code) => TCHAR.test(String.fromCharCode(code)));

/** The lower case of a tchar, 0 for other characters. */
export const LOWER_TOKEN = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return TCHAR.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

/** The characters of HTTP/2 header names: tokens without capitals (RFC 9113 section 8.2.1). */
export const LOWER_NAME = table((code) => LOWER_TOKEN[code] === code && code !== 0);

/** The characters of header values: HTAB, SP, VCHAR and obs-text. No other control characters, above all no CR and LF. */
export const FIELD_VALUE = table((code) => code === 0x09 || (code >= 0x20 && code !== 0x7f));

/** The characters of request targets: VCHAR without '#', which ends a URI reference and is never sent. */
export const TARGET = table((code) => code > 0x20 && code < 0x7f && code !== 0x23);

/** The value of a hexadecimal digit, or 255. */
export const HEX = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 255 : value;
});

/** Trims spaces and tabs at both ends. `trim()` would also trim NBSP and NEL, which other parsers keep. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** OWS: only SP and HTAB. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function table(holds: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (holds(code) ? 1 : 0));
}
