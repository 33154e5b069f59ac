// Regular expressions of routes: RE2 syntax, whole value, linear time for every expression and every request.
import { RE2JS } from 're2js';
import { err, ok, type Result } from '#lib/result.ts';

/** A compiled expression. */
export interface Regex {
  /** Every matching value starts with these characters: a cheap test before the expensive one. */
  readonly literal: string;
  readonly pattern: RE2JS;
}

/** Compiles an expression, or returns the reason why it is invalid. */
export function compileRegex(expression: string): Result<Regex> {
  try {
    return ok({ literal: literalStart(expression), pattern: RE2JS.compile(expression) });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** Whether the expression matches the whole value. */
export function regexMatches(regex: Regex, value: string): boolean {
  return value.startsWith(regex.literal) && regex.pattern.testExact(value);
}

/** The literal characters at the start of an expression. It gives up early instead of parsing: '' is always correct. */
function literalStart(expression: string): string {
  if (expression.includes('|')) return '';
  const start = expression.startsWith('^') ? 1 : 0;
  let end = start;
  while (end < expression.length && isPlain(expression.charCodeAt(end))) end++;
  // A repetition may match the character before it zero times.
  if (end < expression.length && '?*{'.includes(expression.charAt(end))) end--;
  return expression.slice(start, Math.max(start, end));
}

/** Letters, digits and % - / _ are literal everywhere in RE2 syntax. */
function isPlain(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x2f && code <= 0x39) || code === 0x25 || code === 0x2d || code === 0x5f;
}
