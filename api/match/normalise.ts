// Normalises paths and hosts for the matcher. The proxy forwards the same form that it matches: otherwise a request could bypass the rules
// by its spelling.

const SLASH = 0x2f;
const DOT = 0x2e;

/** The action for a character of a path, by code; 0 refuses it. A table is twice as fast as comparisons. */
const PATH_CHARACTERS = new Uint8Array(256);
const PLAIN = 1;
const MAYBE_DOTS = 2;
const ESCAPE = 4;
for (let code = 0x21; code < 0x7f; code++) PATH_CHARACTERS[code] = PLAIN;
for (const refused of '#?\\') PATH_CHARACTERS[refused.charCodeAt(0)] = 0;
PATH_CHARACTERS[DOT] = MAYBE_DOTS;
PATH_CHARACTERS[0x25] = ESCAPE;

/**
 * The normal form of the path of a request target (without query), or null if the request must be refused (400). Escapes of unreserved
 * characters are decoded, other escapes stay, in upper case (RFC 3986 section 6.2.2). Dot segments are removed; `..` above the root is
 * refused. Slashes are not merged: `//` is a path of its own. Also refused: paths that are not absolute; control characters, spaces, '#',
 * '?' and non-ASCII characters, which a request target cannot contain (RFC 9112 section 3.2); invalid escapes; escaped control characters,
 * above all %00; and '\', which some backends read as '/' (%5C is allowed). Returns the same string if it is already normal.
 */
export function normalisePath(raw: string): string | null {
  if (raw.charCodeAt(0) !== SLASH) return null;
  let kinds = 0;
  for (let i = 1; i < raw.length; i++) {
    const kind = PATH_CHARACTERS[raw.charCodeAt(i)];
    if (!kind) return null;
    kinds |= kind;
  }
  return kinds <= PLAIN ? raw : rewritePath(raw);
}

function rewritePath(raw: string): string | null {
  const decoded = raw.includes('%') ? normaliseEscapes(raw) : raw;
  return decoded === null || !decoded.includes('/.') ? decoded : removeDotSegments(decoded);
}

function normaliseEscapes(raw: string): string | null {
  let result = '';
  let copied = 0;
  for (let i = raw.indexOf('%'); i !== -1; i = raw.indexOf('%', i + 3)) {
    const code = hexDigit(raw.charCodeAt(i + 1)) * 16 + hexDigit(raw.charCodeAt(i + 2));
    // NaN, a control character or DEL.
    if (!(code >= 0x20) || code === 0x7f) return null;
    const escape = isUnreserved(code) ? String.fromCharCode(code) : raw.slice(i, i + 3).toUpperCase();
    if (raw.startsWith(escape, i)) continue;
    result += raw.slice(copied, i) + escape;
    copied = i + 3;
  }
  return copied === 0 ? raw : result + raw.slice(copied);
}

/** The value of a hexadecimal digit; NaN for any other character and at the end of the string. */
function hexDigit(code: number): number {
  if (isDigit(code)) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : NaN;
}

/** RFC 3986 section 2.3: letters, digits, '-', '.', '_', '~'. */
function isUnreserved(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === 0x2d || code === DOT || code === 0x5f || code === 0x7e;
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** RFC 3986 section 5.2.4, except that `..` above the root gives null: no honest client sends it. */
function removeDotSegments(path: string): string | null {
  const segments = path.split('/');
  const kept: string[] = [];
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string;
    if (segment === '..' && kept.pop() === undefined) return null;
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (i === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/** 1 for the characters of a normal host name, by code. */
const NAME_CHARACTERS = new Uint8Array(256);
for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789-_.') NAME_CHARACTERS[character.charCodeAt(0)] = 1;

/** RFC 1035, without the dot at the end. */
const MAX_NAME = 253;

/**
 * The normal form of the host of a Host header or :authority, or null if it is not a host: lower case, without port and without the final
 * dot of a fully qualified name. IPv6 literals keep their brackets. '' stays '' (RFC 9112 section 3.2 allows it). A name consists of
 * letters, digits, '-', '_' and '.', without empty labels, user information or escapes. Returns the same string if it is already normal.
 */
export function normaliseHost(raw: string): string | null {
  return raw === '' || isNormalName(raw) ? raw : rewriteHost(raw);
}

function isNormalName(name: string): boolean {
  let previous = DOT;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (NAME_CHARACTERS[code] !== 1 || (code === DOT && previous === DOT)) return false;
    previous = code;
  }
  return previous !== DOT && name.length <= MAX_NAME;
}

function rewriteHost(raw: string): string | null {
  if (raw.startsWith('[')) return rewriteLiteral(raw);
  const colon = raw.indexOf(':');
  if (colon !== -1 && !isPort(raw, colon)) return null;
  const end = colon === -1 ? raw.length : colon;
  const name = raw.slice(0, raw.charCodeAt(end - 1) === DOT ? end - 1 : end);
  // Most names are in lower case, and toLowerCase is slow on slices. Non-ASCII is checked first: toLowerCase turns the Kelvin sign into an
  // ASCII 'k'.
  if (isNormalName(name)) return name;
  const lower = isAscii(name) ? name.toLowerCase() : '';
  return isNormalName(lower) ? lower : null;
}

function rewriteLiteral(raw: string): string | null {
  const end = raw.indexOf(']') + 1;
  if (end < raw.length && (raw.charAt(end) !== ':' || !isPort(raw, end))) return null;
  const literal = raw.slice(0, end).toLowerCase();
  return isIpv6Literal(literal) ? literal : null;
}

/** An address in brackets, checked by its characters only: the matcher does not need to know whether the address is valid. */
function isIpv6Literal(host: string): boolean {
  return host.length <= 47 && /^\[[0-9a-f.]*:[0-9a-f:.]+\]$/.test(host);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** ':' and up to five digits with a value up to 65535; the digits may be missing (RFC 3986 section 3.2.3). */
function isPort(raw: string, colon: number): boolean {
  if (raw.length - colon > 6) return false;
  let port = 0;
  for (let i = colon + 1; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (!isDigit(code)) return false;
    port = port * 10 + code - 0x30;
  }
  return port <= 65535;
}
