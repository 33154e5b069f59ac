// Secrets that text shows by their names: `password=x`, `"token": "x"`, `Authorization: Bearer x`, attributes of XML.
import { isWordPart } from './email-address.ts';
import { isSecretParameter, type SecretNames } from './secret-names.ts';
import type { Span } from './secret-spans.ts';

const MAX_NAME = 64;
/** Quotes and blanks between a name and its `=` or `:`. */
const MAX_GAP = 4;
/** Values of these names go on after a blank. */
const LINES = /(authorization|cookie)$/i;

/** The value behind a `=` or `:` if its name is that of a secret; null otherwise. */
export function secretValueAt(text: string, i: number, names: SecretNames): Span | null {
  const name = nameBefore(text, i);
  if (name === '' || !(names.has(name) || (text[i] === '=' && isSecretParameter(name)))) return null;
  return valueAfter(text, i + 1, LINES.test(name));
}

function nameBefore(text: string, i: number): string {
  let end = i;
  while (end > 0 && i - end < MAX_GAP && isGap(text.charCodeAt(end - 1))) end--;
  let begin = end;
  while (begin > 0 && end - begin < MAX_NAME && isName(text.charCodeAt(begin - 1))) begin--;
  return text.slice(begin, end);
}

function isGap(code: number): boolean {
  return code === 0x20 || code === 0x22 || code === 0x27 || code === 0x5c;
}

function isName(code: number): boolean {
  return isWordPart(code) || code === 0x2e;
}

function valueAfter(text: string, after: number, isLine: boolean): Span | null {
  let begin = after;
  while (begin < text.length && begin - after < MAX_GAP && isGap(text.charCodeAt(begin))) begin++;
  const quote = quoteBefore(text, begin, after);
  const end = quote === '' ? endOfWord(text, begin, isLine ? /[\r\n"]/ : /[\s&;,"'<>)}\]]/) : endOfQuoted(text, begin, quote);
  return end > begin ? { begin, end } : null;
}

function quoteBefore(text: string, begin: number, after: number): string {
  const before = begin > after ? (text[begin - 1] as string) : '';
  return before === '"' || before === "'" ? before : '';
}

function endOfWord(text: string, begin: number, ends: RegExp): number {
  let end = begin;
  while (end < text.length && !ends.test(text[end] as string)) end++;
  return end;
}

function endOfQuoted(text: string, begin: number, quote: string): number {
  let end = begin;
  while (end < text.length && text[end] !== quote) end += text[end] === '\\' ? 2 : 1;
  return Math.min(end, text.length);
}
