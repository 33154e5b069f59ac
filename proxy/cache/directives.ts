// The directives of Cache-Control (RFC 9111 section 5.2), and of the field for caches of the server (RFC 9213), which takes its place.
import { getHeader, joinHeader } from '../exchange/headers.ts';

/** By name in lower case; null: a directive without a value. The first of a name counts. */
export type Directives = ReadonlyMap<string, string | null>;

/** The largest delta-seconds that counts (RFC 9111 section 1.2.2). */
const MAX_SECONDS = 2_147_483_648;

const DIRECTIVE = /([^\s,;="]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?[^,"]*(?:,|$)/y;
const MEMBER =
  /([a-z*][a-z0-9_.*-]*)(?:=(?:"((?:[^"\\]|\\["\\])*)"|\?([01])|(-?[0-9]{1,15}(?:\.[0-9]{1,3})?|[A-Za-z*][^\s,;"]*)))?(?:;[^,"]*)?/y;

const NONE: Directives = new Map();

/** The directives of a request; those of Pragma if it has no Cache-Control (section 5.4). */
export function requestDirectives(headers: readonly string[]): Directives {
  const value = joinHeader(headers, 'cache-control');
  if (value !== null) return parseDirectives(value);
  const pragma = getHeader(headers, 'pragma');
  return pragma !== null && /(^|,)\s*no-cache\s*(,|$)/i.test(pragma) ? new Map([['no-cache', null]]) : NONE;
}

/** The directives that hold for a cache of the server, and whether they are those of CDN-Cache-Control. */
export interface AnswerDirectives {
  readonly directives: Directives;
  readonly isTargeted: boolean;
}

/** A field that is invalid as a whole is ignored (RFC 9213 section 2.1). */
export function answerDirectives(headers: readonly string[]): AnswerDirectives {
  const targeted = joinHeader(headers, 'cdn-cache-control');
  const parsed = targeted === null ? null : parseDictionary(targeted);
  if (parsed !== null && parsed.size > 0) return { directives: parsed, isTargeted: true };
  const value = joinHeader(headers, 'cache-control');
  return { directives: value === null ? NONE : parseDirectives(value), isTargeted: false };
}

/** A text that breaks the grammar ends the list: what stands before still holds, and the answer is not stored. */
export function parseDirectives(value: string): Directives {
  const directives = new Map<string, string | null>();
  let at = 0;
  while (at < value.length) {
    const gap = /[\s,]*/y;
    gap.lastIndex = at;
    gap.test(value);
    at = gap.lastIndex;
    if (at === value.length) break;
    DIRECTIVE.lastIndex = at;
    const match = DIRECTIVE.exec(value);
    if (match === null) return directives.set('no-store', null);
    const [, name = '', quoted, token] = match;
    const key = name.toLowerCase();
    if (!directives.has(key)) directives.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token ?? null);
    at = DIRECTIVE.lastIndex;
  }
  return directives;
}

/** A dictionary of structured fields (RFC 9651 section 3.2); null: it is invalid. The last of a name counts; `?0` takes a name away. */
function parseDictionary(value: string): Directives | null {
  const directives = new Map<string, string | null>();
  for (const part of membersOf(value)) {
    MEMBER.lastIndex = 0;
    const match = MEMBER.exec(part);
    if (match === null || MEMBER.lastIndex !== part.length) return null;
    const [, name = '', quoted, boolean, bare] = match;
    directives.delete(name);
    if (boolean !== '0') directives.set(name, quoted ?? bare ?? null);
  }
  return directives;
}

/** Divides at commas outside of quotes. */
function membersOf(value: string): readonly string[] {
  return (value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []).map((part) => part.trim());
}

/**
 * The value of a directive in seconds; null: it is absent. An invalid one is 0, so that the answer is stale (section 4.2.1), and one that is
 * too large is the largest.
 */
export function secondsOf(directives: Directives, name: string): number | null {
  const value = directives.get(name);
  if (value === undefined) return null;
  return value !== null && /^[0-9]+$/.test(value) ? Math.min(Number(value), MAX_SECONDS) : 0;
}
