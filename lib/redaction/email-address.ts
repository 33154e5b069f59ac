// Finds e-mail addresses (RFC 5321, RFC 6531) in text.
import { isDigit } from './card-number.ts';

const MAX_LOCAL = 64;
const MAX_DOMAIN = 253;
const DASH = 0x2d;
const DOT = 0x2e;
const UNDERSCORE = 0x5f;
const LOCAL_MARKS: ReadonlySet<number> = new Set(Buffer.from(".!#$%&'*+?^`{|}~"));

export function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}

/** Letters, digits, dash and underscore: also the characters of base64url. */
export function isWordPart(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === DASH || code === UNDERSCORE;
}

/** The part in front of the sign at `at`, not before `from`. */
export function beginOfLocal(text: string, at: number, from: number): number {
  const least = Math.max(from, at - MAX_LOCAL);
  let begin = at;
  while (begin > least && isLocal(text.charCodeAt(begin - 1))) begin--;
  return begin;
}

/** The end of the domain that begins at `begin`; -1 without one that has a dot. */
export function endOfDomain(text: string, begin: number): number {
  const most = Math.min(text.length, begin + MAX_DOMAIN);
  let end = begin;
  let dot = -1;
  while (end < most && isDomain(text.charCodeAt(end))) {
    if (text.charCodeAt(end) === DOT && isDomain(text.charCodeAt(end + 1))) dot = end;
    end++;
  }
  return dot > begin && end - dot > 2 ? end : -1;
}

function isLocal(code: number): boolean {
  return isWordPart(code) || code >= 0x80 || LOCAL_MARKS.has(code);
}

function isDomain(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === DASH || code === DOT || code >= 0x80;
}
