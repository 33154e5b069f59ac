// What a byte may be in HTTP, as the RFCs spell it: written apart from the product, so that they do not share mistakes.

const DIGITS = '0123456789';
const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const SMALL = CAPITALS.toLowerCase();
const ALPHANUMERIC = DIGITS + CAPITALS + SMALL;

/** RFC 9110 section 5.6.2: what tokens are made of. */
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

/** Of no URI, sent raw by clients all the same, and of no meaning to any parser of a request line. */
const RAW = '"<>[]^`{|}';

/** What stands in a path as it came, '?' apart, which ends it. */
export const PATH_BYTE = setOf(PATH + RAW);

/** What stands in a query as it came: a backslash means nothing in there, and escapes are left alone. */
export const QUERY_BYTE = setOf(`${PATH}${RAW}?%\\`);

/** What a name of a host is made of here: RFC 3986 allows more, which no host has. */
export const HOST_BYTE = setOf(`-_${ALPHANUMERIC}`);

function setOf(characters: string): ReadonlySet<number> {
  return new Set(Array.from(characters, (character) => character.charCodeAt(0)));
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
