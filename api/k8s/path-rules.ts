// What paths in routes may hold: those that requests are matched by, and those that rewrites and redirects put in their place.
import type { FieldError } from './field-error.ts';

const PATH_CHARACTERS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;

/** What a path must not hold, because a proxy that normalises paths would never see it. */
const FORBIDDEN_IN_PATH = ['//', '/./', '/../', '%2f', '%2F', '#'] as const;
const FORBIDDEN_AT_END = ['/.', '/..'] as const;

/** Escapes of characters that no path may hold (NUL above all): requests with them are refused. */
const ESCAPED_CONTROL = /%(?:[01][0-9a-f]|7f)/i;

/** Every rule that an exact path or a prefix breaks. */
export function checkPathValue(path: string, field: string): FieldError[] {
  const reason = pathObstacle(path);
  return reason === null ? [] : [{ field, reason }];
}

function pathObstacle(path: string): string | null {
  if (!path.startsWith('/')) return 'must start with /';
  // `/%2e%2e/` is `/../` to whoever normalises it.
  const dotted = path.replaceAll(/%2e/gi, '.');
  const part = FORBIDDEN_IN_PATH.find((forbidden) => dotted.includes(forbidden));
  if (part !== undefined) return `must not contain ${part}`;
  const end = FORBIDDEN_AT_END.find((forbidden) => dotted.endsWith(forbidden));
  if (end !== undefined) return `must not end with ${end}`;
  if (ESCAPED_CONTROL.test(path)) return CONTROL;
  return PATH_CHARACTERS.test(path) ? null : 'holds a character that a path must write as %XX';
}

const CONTROL = 'must not hold a control character, escaped or not';

/** Every rule that the path of a rewrite or redirect breaks. Characters that need an escape get one. */
export function checkReplacement(path: string, field: string): FieldError[] {
  if (/%(?![0-9a-f]{2})/i.test(path)) return [{ field, reason: 'holds a % that begins no escape; the character is written as %25' }];
  return ESCAPED_CONTROL.test(path) || /[\u0000-\u001f\u007f]/.test(path) ? [{ field, reason: CONTROL }] : [];
}
