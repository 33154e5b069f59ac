// One element of Forwarded: what a proxy tells of a request that it passed on (RFC 7239 section 4).
import { isBlank } from '../codec/h1/characters.ts';

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** What the element that was read last says; '' where it says nothing. One per worker: reading never waits. */
export const forwardedElement = { for: '', proto: '', host: '' };

/** No proxy writes more of them, and each name is looked for among those before it. */
const MAX_PAIRS = 16;

let text = '';
let position = 0;
let end = 0;
/** Names that this element has had, each with a comma before and after it. */
let names = '';
let pairs = 0;

/**
 * Reads `source[start, stop)` into `forwardedElement`. False: it is not as the RFC has it, and says nothing. Blanks around
 * semicolons are let through, and values that should be in quotes: proxies write both.
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

/** A name may come once. */
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

/** Anything but what ends a value; consumers are strict about what is in it. */
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
