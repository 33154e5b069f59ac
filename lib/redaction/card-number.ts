// Finds the numbers of payment cards (ISO/IEC 7812) in text.

const MIN_DIGITS = 13;
const MAX_DIGITS = 19;
const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/**
 * The end of the card number that begins at a digit; -1: none does. Digits may be in groups with single blanks or dashes between them, and the
 * number may end at any group.
 */
export function endOfCard(text: string, begin: number): number {
  if (!mayBegin(text, begin)) return -1;
  const digits: number[] = [];
  let end = -1;
  for (let at = begin; at < text.length && digits.length <= MAX_DIGITS; at++) {
    const code = text.charCodeAt(at);
    const isLast = !isDigit(text.charCodeAt(at + 1));
    if (isDigit(code)) {
      digits.push(code - 0x30);
      if (isLast && isCard(digits)) end = at + 1;
    } else if (isLast || !isSeparator(code)) break;
  }
  return end;
}

/** Networks of cards begin with 2 to 6; times in milliseconds with 1. The fraction of a number is no card. */
function mayBegin(text: string, i: number): boolean {
  const first = text.charCodeAt(i);
  const before = text.charCodeAt(i - 1);
  if (first < 0x32 || first > 0x36 || isDigit(before)) return false;
  return before !== DOT || !isDigit(text.charCodeAt(i - 2));
}

function isSeparator(code: number): boolean {
  return code === SPACE || code === DASH;
}

function isCard(digits: readonly number[]): boolean {
  return digits.length >= MIN_DIGITS && digits.length <= MAX_DIGITS && isLuhn(digits);
}

function isLuhn(digits: readonly number[]): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits[digits.length - 1 - i] as number;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
