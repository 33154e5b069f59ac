// One element of Forwarded: the information of one proxy about a request (RFC 7239 section 4).
import { isBlank } from '../codec/h1/characters.ts';

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** The values of the last element; '' if absent. One per worker: reading is synchronous. */
export const forwardedElement = { for: '', proto: '', host: '' };

/** No proxy writes more of them, and each name is compared with those before it. */
const MAX_PAIRS = 16;

let text = '';
let position = 0;
let end = 0;
/** The names in this element, with a comma before and after each. */
let names = '';
let pairs = 0;

/**
 * Parses `source[start, stop)` into `forwardedElement`. False: it is invalid and has no values. Blanks around semicolons and unquoted
 * values are accepted, because proxies write both.
 */
export function readElement(source: string, start: number, stop: number): boolean {
  [text, position, end] = [source, start, stop];
  names = ',';
  pairs = 0;
  forwardedElement.for = forwardedElement.proto = forwardedElement.host = '';
  const isRead = readPairs();
  if (!isRead) forwardedElement.for = forwardedElement.proto = forwardedElement.host = '';
  return isRead;
}

function readPairs(): boolean {
  for (;;) {
    skipBlanks();
    if (position < end && text.charCodeAt(position) !== SEMICOLON && !readPair()) return false;
    skipBlanks();
    if (position >= end) return true;
    if (text.charCodeAt(position++) !== SEMICOLON) return false;
  }
}

function skipBlanks(): void {
  while (position < end && isBlank(text.charCodeAt(position))) position++;
}

/** A name may occur once. */
function readPair(): boolean {
  const start = position;
  while (position < end && isBare(text.charCodeAt(position))) position++;
  if (position === start || position === end || text.charCodeAt(position) !== EQUALS) return false;
  const name = text.slice(start, position++).toLowerCase();
  const value = text.charCodeAt(position) === QUOTE ? readQuoted() : readBare();
  if (value === null || ++pairs > MAX_PAIRS || names.includes(`,${name},`)) return false;
  names += `${name},`;
  take(name, value);
  return true;
}

function take(name: string, value: string): void {
  if (name === 'for' || name === 'proto' || name === 'host') forwardedElement[name] = value;
}

function readBare(): string | null {
  const start = position;
  while (position < end && isBare(text.charCodeAt(position))) position++;
  return position === start ? null : text.slice(start, position);
}

/** Any characters except those that end a value; callers validate the value. */
function isBare(code: number): boolean {
  return code > 0x20 && code < 0x7f && code !== QUOTE && code !== SEMICOLON && code !== EQUALS && code !== BACKSLASH;
}

function readQuoted(): string | null {
  let value = '';
  for (position++; position < end; position++) {
    const code = text.charCodeAt(position);
    if (code === QUOTE) {
      position++;
      return value;
    }
    if (code === BACKSLASH) position++;
    if (position < end) value += text.charAt(position);
  }
  return null;
}
