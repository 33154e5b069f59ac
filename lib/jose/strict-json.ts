// JSON objects of tokens, read strictly: two readers of the same text must see the same members (RFC 7519 section 4, RFC 7515 section 4).
//
// A member that is there twice is one member of the parsed value. So the names in the text are counted, and must be as many as its members.

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const MAX_DEPTH = 32;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** White space of JSON is no greater than this code unit; all other characters outside of strings are. */
const SPACE = 0x20;

/** The object, or null if the bytes are not one, if a member is there twice, or if one would be the prototype of the object. */
export function strictObject(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const text = UTF8.decode(bytes);
    const value: unknown = JSON.parse(text);
    if (!isComposite(value) || Array.isArray(value)) return null;
    return membersOf(value, 1) === namesIn(text) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isComposite(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The number of members of all objects in the value; NaN, which equals no number, if one is `__proto__` or the value is too deep. */
function membersOf(value: object, depth: number): number {
  if (depth > MAX_DEPTH || Object.hasOwn(value, '__proto__')) return Number.NaN;
  const values: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : values.length;
  for (const inner of values) if (isComposite(inner)) count += membersOf(inner, depth + 1);
  return count;
}

/** The number of strings before a colon in a text that is JSON. */
function namesIn(text: string): number {
  let names = 0;
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfString(text, start);
    if (isBeforeColon(text, end + 1)) names++;
    start = text.indexOf('"', end + 1);
  }
  return names;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** After an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

function isBeforeColon(text: string, at: number): boolean {
  let next = at;
  while (text.charCodeAt(next) <= SPACE) next++;
  return text.charCodeAt(next) === COLON;
}
