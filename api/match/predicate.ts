// Conditions on headers and query parameters, and their look-ups: the last steps of a match.
import type { ValueMatch } from '#api/ir/ir.ts';
import { ownFieldValue, type OwnFieldName } from './own-field.ts';
import { regexMatches, type Regex } from './regex.ts';
import type { MatchRequest } from './request.ts';

/** A condition on the value of one header or query parameter. Null `regex`: the value must equal `value`. */
export interface Predicate {
  readonly name: string;
  readonly value: string;
  readonly regex: Regex | null;
  /** The field of the request with this header; null if the header is in the list. */
  readonly own: OwnFieldName | null;
  readonly source: ValueMatch;
}

/** Whether a value meets the condition. Null (absent in the request) never does. */
export function predicateHolds(predicate: Predicate, value: string | null): boolean {
  if (value === null) return false;
  return predicate.regex === null ? value === predicate.value : regexMatches(predicate.regex, value);
}

/** Whether the headers meet all conditions. */
export function headersMatch(predicates: readonly Predicate[], request: MatchRequest): boolean {
  for (let i = 0; i < predicates.length; i++) {
    const predicate = predicates[i] as Predicate;
    if (!predicateHolds(predicate, requestHeader(request, predicate))) return false;
  }
  return true;
}

/** The value of the header of a condition, or null. */
export function requestHeader(request: MatchRequest, { own, name }: Predicate): string | null {
  return own === null || request.own === undefined ? headerValue(request.headers, name) : ownFieldValue(request.own, own);
}

/** Whether the query meets all conditions. */
export function queryMatches(predicates: readonly Predicate[], query: string): boolean {
  for (let i = 0; i < predicates.length; i++) {
    const predicate = predicates[i] as Predicate;
    if (!predicateHolds(predicate, queryValue(query, predicate.name))) return false;
  }
  return true;
}

/** The value of a header, or null. Values of a repeated header are joined with ',' (RFC 9110 section 5.2). */
export function headerValue(headers: readonly string[], name: string): string | null {
  let joined: string | null = null;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] !== name) continue;
    const value = headers[i + 1] as string;
    joined = joined === null ? value : `${joined},${value}`;
  }
  return joined;
}

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;

/** The first value of a query parameter, decoded, or null. A parameter without '=' has the value ''. Names are decoded too. */
export function queryValue(query: string, name: string): string | null {
  let start = 0;
  while (start < query.length) {
    const end = partEnd(query, start, AMPERSAND, query.length);
    const equals = partEnd(query, start, EQUALS, end);
    if (isNamed(query, start, equals, name)) return equals === end ? '' : decode(query.slice(equals + 1, end));
    start = end + 1;
  }
  return null;
}

/**
 * The position of the next `code` before `limit`, else `limit`. `indexOf` would search beyond the limit, which makes `&&&&...` quadratic.
 */
function partEnd(query: string, start: number, code: number, limit: number): number {
  let i = start;
  while (i < limit && query.charCodeAt(i) !== code) i++;
  return i;
}

function isNamed(query: string, start: number, end: number, name: string): boolean {
  for (let i = start; i < end; i++) {
    const code = query.charCodeAt(i);
    if (code === PERCENT || code === PLUS) return decode(query.slice(start, end)) === name;
    if (code !== name.charCodeAt(i - start)) return false;
  }
  return end - start === name.length;
}

/** application/x-www-form-urlencoded. Text with escapes that are not valid UTF-8 stays unchanged: it cannot equal a user's value. */
function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
