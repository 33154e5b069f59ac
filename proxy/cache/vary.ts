// Which requests an answer is for, by the fields that it names in Vary (RFC 9111 section 4.1).
import { getHeader, joinHeader } from '../exchange/headers.ts';

/** The names in lower case, sorted, each once; null: no other request can have the answer. */
export function varyNames(headers: readonly string[]): readonly string[] | null {
  const vary = joinHeader(headers, 'vary') ?? '';
  const names = new Set(
    vary
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  names.delete('');
  // An answer that permits one origin is for that origin, even if its author forgot to say so.
  if ((getHeader(headers, 'access-control-allow-origin') ?? '*') !== '*') names.add('origin');
  return names.has('*') ? null : [...names].sort();
}

/** The values of these fields in a request as one text. An absent field differs from an empty one. */
export function variantOf(names: readonly string[], requestHeaders: readonly string[]): string {
  if (names.length === 0) return '';
  return names.map((name) => normalised(joinHeader(requestHeaders, name))).join('\n');
}

/** Without white space that means nothing in a list (section 4.1). */
function normalised(value: string | null): string {
  return value === null ? '-' : `=${value.trim().replace(/[ \t]*,[ \t]*/g, ',')}`;
}
