// Rules of the paths in routes: the paths that requests are matched with, and the replacements in rewrites and redirects.
import type { FieldError } from './field-error.ts';

const PATH_CHARACTERS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;

/** Parts that a normalised path never has. */
const FORBIDDEN_IN_PATH = ['//', '/./', '/../', '%2f', '%2F', '#'] as const;
const FORBIDDEN_AT_END = ['/.', '/..'] as const;

/** Escapes of characters that no path may contain (above all NUL): requests with them are refused. */
const ESCAPED_CONTROL = /%(?:[01][0-9a-f]|7f)/i;

/** The rules that an exact path or a prefix violates. */
export function checkPathValue(path: string, field: string): FieldError[] {
  const reason = pathObstacle(path);
  return reason === null ? [] : [{ field, reason }];
}

function pathObstacle(path: string): string | null {
  if (!path.startsWith('/')) return 'must start with /';
  // Programs that normalise paths read `/%2e%2e/` as `/../`.
  const dotted = path.replaceAll(/%2e/gi, '.');
  const part = FORBIDDEN_IN_PATH.find((forbidden) => dotted.includes(forbidden));
  if (part !== undefined) return `must not contain ${part}`;
  const end = FORBIDDEN_AT_END.find((forbidden) => dotted.endsWith(forbidden));
  if (end !== undefined) return `must not end with ${end}`;
  if (ESCAPED_CONTROL.test(path)) return CONTROL;
  return PATH_CHARACTERS.test(path) ? null : 'holds a character that a path must write as %XX';
}

const CONTROL = 'must not hold a control character, escaped or not';

/** The rules that the path of a rewrite or redirect violates. Characters that need an escape get one. */
export function checkReplacement(path: string, field: string): FieldError[] {
  if (/%(?![0-9a-f]{2})/i.test(path)) return [{ field, reason: 'holds a % that begins no escape; the character is written as %25' }];
  return ESCAPED_CONTROL.test(path) || /[\u0000-\u001f\u007f]/.test(path) ? [{ field, reason: CONTROL }] : [];
}
