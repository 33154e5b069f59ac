// Decides fast that most short texts have no secret, for texts of every request: the marks below join a loop over the text that runs anyway.
import { endOfCard, isDigit } from './card-number.ts';

/** The codes of ASCII at which a secret may show itself; `mayBeSecret` looks closer. */
export const SECRET_MARKS: readonly number[] = Array.from('@%=:JA_- +', (mark) => mark.charCodeAt(0));

/** The characters before or behind a mark with which a closer look is worth its price: eyJ, ghp_, sk-, `Bearer `, %40, AKIA. */
const BEFORE: Readonly<Record<string, string>> = { J: 'y', _: 'pstem', '-': 'tbpk-', ' ': 'rRcC', '+': 'rRcC' };
const AFTER: Readonly<Record<string, string>> = { '%': '42', A: 'KSI' };

const LEAST_DIGITS = 13;

/** Whether the mark at a character may belong to a secret. */
export function mayBeSecret(text: string, i: number): boolean {
  const mark = text[i] as string;
  const [before, after] = [BEFORE[mark], AFTER[mark]];
  if (before !== undefined) return i > 0 && before.includes(text[i - 1] as string);
  if (after !== undefined) return i + 1 < text.length && after.includes(text[i + 1] as string);
  return true;
}

/** Whether the text may have the number of a card. Of a number with so many digits one is at each step. */
export function mayHoldCard(text: string): boolean {
  for (let i = LEAST_DIGITS - 1; i < text.length; i += LEAST_DIGITS) {
    if (isDigitOrGap(text.charCodeAt(i)) && cardAround(text, i)) return true;
  }
  return false;
}

function isDigitOrGap(code: number): boolean {
  return isDigit(code) || code === 0x20 || code === 0x2d;
}

function cardAround(text: string, i: number): boolean {
  let begin = i;
  while (begin > 0 && i - begin < 2 * LEAST_DIGITS && isDigitOrGap(text.charCodeAt(begin - 1))) begin--;
  for (let at = begin; at <= i; at++) if (isDigit(text.charCodeAt(at)) && endOfCard(text, at) > 0) return true;
  return false;
}
