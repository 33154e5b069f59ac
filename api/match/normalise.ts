// Paths and hosts as the matcher wants them. What is matched is what is forwarded: a proxy that matches one spelling and
// sends another lets requests round its rules.

const SLASH = 0x2f;
const DOT = 0x2e;
const PERCENT = 0x25;

/**
 * The path of a request target (no query) in normal form, or null when the request must be refused (400).
 * Escapes of unreserved characters are decoded, all others keep their escape, in upper case (RFC 3986 section 6.2.2);
 * dot segments are removed, and `..` above the root is refused. Slashes are not merged: `//` is a path of its own.
 * Refused as well: anything but an absolute path; control characters, spaces, '#', '?' and non-ASCII characters, which a
 * request target cannot hold (RFC 9112 section 3.2); escapes that are none; escaped control characters, %00 above all;
 * and '\', which some backends take for '/' (%5C is kept). Returns the same string when there is nothing to do.
 */
export function normalisePath(raw: string): string | null {
  if (raw.charCodeAt(0) !== SLASH) return null;
  let hasEscapes = false;
  let previous = 0;
  let startsWithDot = false;
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (!isPathCharacter(code)) return null;
    if (code === PERCENT) hasEscapes = true;
    else if (code === DOT && previous === SLASH) startsWithDot = true;
    previous = code;
  }
  return hasEscapes || startsWithDot ? rewrite(raw) : raw;
}

function rewrite(raw: string): string | null {
  const decoded = normaliseEscapes(raw);
  return decoded === null || !decoded.includes('/.') ? decoded : removeDotSegments(decoded);
}

/** Visible ASCII without '#', '?' and '\'. */
function isPathCharacter(code: number): boolean {
  return code > 0x20 && code < 0x7f && code !== 0x23 && code !== 0x3f && code !== 0x5c;
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

/** Value of a hexadecimal digit, NaN for anything else, the end of the string included. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : NaN;
}

/** RFC 3986 section 2.3: letters, digits, '-', '.', '_', '~'. */
function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  if ((lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39)) return true;
  return code === 0x2d || code === DOT || code === 0x5f || code === 0x7e;
}

/** RFC 3986 section 5.2.4, but for `..` above the root, which is nobody's honest request: null. */
function removeDotSegments(path: string): string | null {
  const segments = path.split('/');
  const kept: string[] = [];
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string;
    const isDots = segment === '.' || segment === '..';
    if (segment === '..' && kept.pop() === undefined) return null;
    if (!isDots) kept.push(segment);
    else if (i === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/**
 * The host of a Host header or :authority in normal form, or null when it is none: lower case, without port and without
 * the dot that ends a fully qualified name. IPv6 literals keep their brackets. '' stays '' (RFC 9112 section 3.2 allows it).
 * Letters, digits, '-', '_' and '.' make a name; no user information, no escapes. Returns the same string when it can.
 */
export function normaliseHost(raw: string): string | null {
  if (raw === '') return raw;
  const end = raw.startsWith('[') ? literalEnd(raw) : nameEnd(raw);
  if (end === -1 || !isPort(raw, end)) return null;
  const host = raw.slice(0, end);
  if (host.startsWith('[')) return host.toLowerCase();
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  return isName(name) ? name.toLowerCase() : null;
}

/** Where an IPv6 literal ends, after its bracket; -1 when it is none. */
function literalEnd(raw: string): number {
  const close = raw.indexOf(']');
  return close !== -1 && /^\[[0-9a-fA-F:.]{2,45}$/.test(raw.slice(0, close)) && raw.indexOf(':') < close ? close + 1 : -1;
}

function nameEnd(raw: string): number {
  const colon = raw.indexOf(':');
  return colon === -1 ? raw.length : colon;
}

/** Nothing, or ':' and at most five digits up to 65535 (none are allowed: RFC 3986 section 3.2.3). */
function isPort(raw: string, start: number): boolean {
  if (start === raw.length) return true;
  if (raw.charAt(start) !== ':' || raw.length - start > 6) return false;
  for (let i = start + 1; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return Number(raw.slice(start + 1)) <= 65535;
}

/** Labels of letters, digits, '-' and '_', none empty, 253 characters at most (RFC 1035). */
function isName(name: string): boolean {
  if (name.length > 253) return false;
  let previous = DOT;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === DOT ? previous === DOT : !isNameCharacter(code)) return false;
    previous = code;
  }
  return previous !== DOT;
}

function isNameCharacter(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
}
