// JSON objects of tokens, read strictly: two readers of the same text must see the same members (RFC 7519 section 4, RFC 7515 section 4).

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** A string, or a character that opens or closes something. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
const AFTER_KEY = /[ \t\r\n]*:/y;
const MAX_DEPTH = 32;

/** The object, or null if the bytes are not one, if a member is there twice, or if one would be the prototype of the object. */
export function strictObject(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const text = UTF8.decode(bytes);
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return hasUniqueNames(text) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Of a text that is JSON. */
function hasUniqueNames(text: string): boolean {
  const open: Set<string>[] = [];
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (isKey(text, index + token.length) && !isNew(open.at(-1), JSON.parse(token) as string)) return false;
    if (open.length > MAX_DEPTH) return false;
  }
  return true;
}

function isKey(text: string, end: number): boolean {
  AFTER_KEY.lastIndex = end;
  return AFTER_KEY.test(text);
}

function isNew(names: Set<string> | undefined, name: string): boolean {
  if (names === undefined || names.has(name) || name === '__proto__') return false;
  names.add(name);
  return true;
}
