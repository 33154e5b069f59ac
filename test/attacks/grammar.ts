// The byte classes of HTTP according to the RFCs: written separately from Weir so that they share no bugs.

const DIGITS = '0123456789';
const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const SMALL = CAPITALS.toLowerCase();
const ALPHANUMERIC = DIGITS + CAPITALS + SMALL;

/** RFC 9110 section 5.6.2: characters of tokens. */
export const TCHAR = setOf(`!#$%&'*+-.^_\`|~${ALPHANUMERIC}`);

/** The same without capitals: RFC 9113 section 8.2.1. */
export const LOWER_TCHAR = setOf(`!#$%&'*+-.^_\`|~${DIGITS}${SMALL}`);

/** RFC 9110 section 5.5: field-vchar, SP and HTAB. */
export const FIELD_BYTE = new Set([0x09, 0x20, ...range(0x21, 0x7e), ...range(0x80, 0xff)]);

/** SP and HTAB. */
export const BLANK = setOf(' \t');

export const DIGIT = setOf(DIGITS);

export const HEXDIG = setOf(`${DIGITS}ABCDEFabcdef`);

/** RFC 3986 section 3.3: pchar without escapes, and '/'. */
const PATH = `-._~!$&'()*+,;=:@/${ALPHANUMERIC}`;

/** Not allowed in a URI, but sent raw by some clients, and without a meaning in request lines. */
const RAW = '"<>[]^`{|}';

/** Characters of a path that pass unchanged; '?' ends the path. */
export const PATH_BYTE = setOf(PATH + RAW);

/** Characters of a query that pass unchanged: a backslash has no meaning there, and escapes are kept. */
export const QUERY_BYTE = setOf(`${PATH}${RAW}?%\\`);

/** Characters of a host name here: RFC 3986 allows more, which no real host uses. */
export const HOST_BYTE = setOf(`-_${ALPHANUMERIC}`);

function setOf(characters: string): ReadonlySet<number> {
  return new Set(Array.from(characters, (character) => character.charCodeAt(0)));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
