// The matchers of silences: conditions on labels, as Alertmanager has them. Regular expressions are anchored and take linear time (RE2).
import { RE2JS } from 're2js';
import { err, ok, type Result } from '#lib/result.ts';
import type { SilenceMatcher } from '../store/kept-alerts.ts';

const MATCHER = /^([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.*)$/s;
const MAX_VALUE = 512;

/** Parses a matcher like `severity=critical` or `route=~"HTTPRoute/shop/.*"`. The error is a sentence without its subject. */
export function parseMatcher(text: string): Result<SilenceMatcher> {
  const match = MATCHER.exec(text);
  if (match === null) return err('must be LABEL=VALUE, LABEL!=VALUE, LABEL=~PATTERN or LABEL!~PATTERN');
  const [label, operator, written] = match.slice(1) as [string, SilenceMatcher['operator'], string];
  const value = /^"(.*)"$/s.exec(written)?.[1] ?? written;
  if (value.length > MAX_VALUE) return err(`must have a value of at most ${MAX_VALUE} characters`);
  const matcher = { label, operator, value };
  const problem = isPattern(matcher) ? patternProblem(value) : null;
  return problem === null ? ok(matcher) : err(`has an invalid pattern: ${problem}`);
}

function patternProblem(pattern: string): string | null {
  try {
    RE2JS.compile(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The text that `parseMatcher` reads. */
export function matcherText({ label, operator, value }: SilenceMatcher): string {
  return `${label}${operator}${JSON.stringify(value)}`;
}

function isPattern({ operator }: SilenceMatcher): boolean {
  return operator === '=~' || operator === '!~';
}

const patterns = new WeakMap<SilenceMatcher, RE2JS>();

/** Whether labels meet all matchers. A label that is absent is empty. */
export function meets(labels: Readonly<Record<string, string>>, matchers: readonly SilenceMatcher[]): boolean {
  return matchers.every((matcher) => meetsOne(labels[matcher.label] ?? '', matcher));
}

function meetsOne(value: string, matcher: SilenceMatcher): boolean {
  if (matcher.operator === '=') return value === matcher.value;
  if (matcher.operator === '!=') return value !== matcher.value;
  const pattern = patterns.get(matcher) ?? RE2JS.compile(matcher.value);
  patterns.set(matcher, pattern);
  return pattern.matches(value) === (matcher.operator === '=~');
}
