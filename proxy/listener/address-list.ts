// Lists of addresses to which each proxy appends the sender of a request: X-Forwarded-For, and Forwarded (RFC 7239). They are read from the
// right, so that text of a client on the left cannot change the result.
import { readAddress } from '#lib/address-words.ts';
import { isBlank } from '../codec/h1/characters.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const MAX_PORT_DIGITS = 5;

/** The elements of all lines of a header, the last one first. One per worker: reading is synchronous. */
export class AddressList {
  /** The line of the current element, and its start and end. */
  text = '';
  start = 0;
  end = 0;
  #headers: readonly string[] = [];
  #name = '';
  #quoted = false;
  /** The line after this one was read before. */
  #line = 0;
  /** The end of the next element of the line, -1 if none is left. */
  #rest = -1;

  /** `quoted`: quoted text is one piece, and empty elements do not count (RFC 9110 section 5.6.1); X-Forwarded-For has no such rules. */
  open(headers: readonly string[], name: string, quoted: boolean): void {
    this.#headers = headers;
    this.#name = name;
    this.#quoted = quoted;
    this.#line = headers.length;
    this.#rest = -1;
  }

  /** Moves to the next element on the left. False: there is none. */
  next(): boolean {
    do {
      if (this.#rest < 0 && !this.#previousLine()) return false;
      const end = this.#rest;
      this.#rest = this.#quoted ? commaOutsideQuotes(this.text, end) : commaBefore(this.text, end);
      this.#trim(this.#rest + 1, end);
    } while (this.#quoted && this.start === this.end);
    return true;
  }

  #previousLine(): boolean {
    do this.#line -= 2;
    while (this.#line >= 0 && this.#headers[this.#line] !== this.#name);
    if (this.#line < 0) return false;
    this.text = this.#headers[this.#line + 1] as string;
    this.#rest = this.text.length;
    return true;
  }

  #trim(start: number, end: number): void {
    const { text } = this;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    this.start = start;
    this.end = end;
  }
}

/** The last comma before `end`, or -1. */
function commaBefore(text: string, end: number): number {
  return end === 0 ? -1 : text.lastIndexOf(',', end - 1);
}

/** The last comma before `end` outside of quotes, or -1. An open quote extends to the start. */
function commaOutsideQuotes(text: string, end: number): number {
  let inside = false;
  for (let i = end - 1; i >= 0; i--) {
    const code = text.charCodeAt(i);
    if (code === COMMA && !inside) return i;
    if (code !== QUOTE) continue;
    let before = i;
    while (before > 0 && text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((i - before) % 2 === 0 || !inside) inside = !inside;
    i = before;
  }
  return -1;
}

/**
 * Parses `text[start, end)`, an address with an optional port, IPv6 with or without brackets, into `addressWords`. Returns its version, or
 * 0 if it is not an address.
 */
export function readNode(text: string, start: number, end: number): 0 | 4 | 6 {
  if (text.charCodeAt(start) === OPEN) return readBracketed(text, start, end);
  const colon = text.indexOf(':', start);
  const hasPort = colon >= 0 && colon < end && !includesColon(text, colon + 1, end);
  if (!hasPort) return readAddress(text, start, end);
  return isPort(text, colon, end) ? readAddress(text, start, colon) : 0;
}

function readBracketed(text: string, start: number, end: number): 0 | 4 | 6 {
  const close = text.indexOf(']', start);
  if (close < 0 || close >= end || !includesColon(text, start, close)) return 0;
  return close + 1 === end || isPort(text, close + 1, end) ? readAddress(text, start + 1, close) : 0;
}

function includesColon(text: string, start: number, end: number): boolean {
  const colon = text.indexOf(':', start);
  return colon >= 0 && colon < end;
}

/** A colon and digits, or an obfuscated name (RFC 7239 section 6). */
function isPort(text: string, colon: number, end: number): boolean {
  if (text.charCodeAt(colon) !== COLON || colon + 1 === end) return false;
  if (text.charCodeAt(colon + 1) === UNDERSCORE) return true;
  for (let i = colon + 1; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
  }
  return end - colon - 1 <= MAX_PORT_DIGITS;
}
