// Patterns of schemas, which are written for ECMAScript, on RE2: no text and no pattern takes more than linear time.
import { RE2JS } from 're2js';
import { err, ok, type Result } from '#lib/result.ts';

/** Characters of a pattern. */
const MAX_PATTERN = 1_024;

/** A compiled pattern, which finds itself anywhere in a text. */
export interface Pattern {
  test(text: string): boolean;
  /** The pattern, by which the compiler of schemas tells it from others. */
  toString(): string;
}

/** Compiles a pattern, or returns why that is impossible. */
export function compilePattern(pattern: string): Result<Pattern> {
  if (pattern.length > MAX_PATTERN) return err(`is longer than ${MAX_PATTERN} characters`);
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return ok({ test: (text) => compiled.matcher(text).find(), toString: () => pattern });
  } catch (error) {
    return err(`is not RE2: ${error instanceof Error ? error.message : String(error)}; write it without lookaround and back references`);
  }
}

/** The same for a compiler of schemas, which gets checked patterns only. */
export function patternEngine(pattern: string): Pattern {
  const compiled = compilePattern(pattern);
  if (!compiled.ok) throw new Error(`the pattern ${compiled.error}`);
  return compiled.value;
}
