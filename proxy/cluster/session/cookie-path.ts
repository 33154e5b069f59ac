// The Path of a session cookie: the path of the match, so that rules with other paths have other sessions (GEP-1619).
import type * as ir from '#api/ir/ir.ts';

/** The characters that a Path cannot have (RFC 6265 section 4.1.1), and those outside ASCII. */
const IMPOSSIBLE = /[^\x20-\x3a\x3c-\x7e]/;

/** The longest path of the matches that covers a request to `path`; for an expression its fixed beginning. */
export function cookiePath(matches: readonly ir.Match[], path: string): string {
  const fitting = matches.map((match) => coveredBy(match.path, path)).filter((covered) => covered !== null);
  const longest = fitting.reduce((best, covered) => (covered.length > best.length ? covered : best), '/');
  return IMPOSSIBLE.test(longest) ? '/' : longest;
}

function coveredBy({ type, value }: ir.PathMatch, path: string): string | null {
  if (type === 'Exact') return value === path ? value : null;
  const fixed = type === 'PathPrefix' ? value : fixedPart(value);
  const prefix = fixed.endsWith('/') ? fixed.slice(0, -1) : fixed;
  return path === prefix || path.startsWith(`${prefix}/`) ? prefix : null;
}

/** Whole segments, because the last character may be optional. */
function fixedPart(expression: string): string {
  const literal = /^[^.[\]()*+?\\^$|{}]*/.exec(expression)?.[0] ?? '';
  return literal.slice(0, literal.lastIndexOf('/') + 1);
}
