// Host name patterns of listeners and routes: '' (any host), `*.example.com` (one or more labels before the suffix), or exact.
import { compareText } from '#lib/compare-text.ts';

/** A pattern and all patterns that cover it, the most specific first: `*.a.b` gives `*.a.b`, `*.b`, ''. */
export function* coveringPatterns(pattern: string): Generator<string> {
  let rest = pattern;
  while (rest !== '') {
    yield rest;
    rest = parentOf(rest);
  }
  yield '';
}

/** Whether a pattern covers a host, by the rule of the Gateway API. */
export function coversHost(pattern: string, host: string): boolean {
  if (pattern === '') return true;
  return isWildcard(pattern) ? host.length >= pattern.length && host.endsWith(pattern.slice(1)) : pattern === host;
}

/** Whether the name is a wildcard like `*.example.com`, not an exact name or ''. */
export function isWildcard(pattern: string): boolean {
  return pattern.startsWith('*.');
}

/** Whether a table accepts the name: '', or ASCII labels in lower case, optionally with `*` as the first of several. */
export function isPattern(text: string): boolean {
  return text === '' || /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(text);
}

/** For `sort`: exact names first, then longer wildcards before shorter ones, '' last; equals in alphabetical order. */
export function comparePatterns(a: string, b: string): number {
  return specificity(b) - specificity(a) || compareText(a, b);
}

/** Exact names are equal: only one of them can cover a host. */
function specificity(pattern: string): number {
  return pattern === '' || isWildcard(pattern) ? pattern.length : Number.MAX_SAFE_INTEGER;
}

function parentOf(pattern: string): string {
  const dot = pattern.indexOf('.', isWildcard(pattern) ? 2 : 0);
  return dot === -1 ? '' : `*${pattern.slice(dot)}`;
}
