// How long an answer is fresh, and how old it is (RFC 9111 section 4.2).
import { getHeader } from '../exchange/headers.ts';
import { secondsOf, type AnswerDirectives } from './directives.ts';
import { parseHttpTime } from './http-time.ts';

/** What a policy says about answers that say less. Seconds. */
export interface FreshnessTerms {
  /** For an answer without an own lifetime; null: none. */
  readonly defaultTtl: number | null;
  /** The longest lifetime; null: no limit. */
  readonly maxTtl: number | null;
  /** Answers without an own lifetime get a tenth of the time since their last change (section 4.2.2). */
  readonly heuristic: boolean;
  /** For an answer that does not say how long it may be used stale: while it is validated, and while the backend fails. */
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** The longest heuristic lifetime, seconds: a day, beyond which section 4.2.2 asked for a warning in its former edition. */
const MAX_HEURISTIC = 86_400;

/** The statuses that a lifetime may be assumed for (RFC 9110 section 15.1), as far as they are stored. */
const HEURISTIC_STATUSES = new Set([200, 203, 204, 300, 301, 308, 404, 410]);

/** The lifetime in seconds, and whether the answer says it itself; null: nothing says that it may be used. */
export function lifetimeOf(
  status: number,
  headers: readonly string[],
  { directives, isTargeted }: AnswerDirectives,
  terms: FreshnessTerms,
): { readonly seconds: number; readonly isExplicit: boolean } | null {
  const own = explicitLifetime(headers, { directives, isTargeted });
  const seconds = own ?? (HEURISTIC_STATUSES.has(status) ? assumedLifetime(headers, terms) : null);
  if (seconds === null) return null;
  return { seconds: Math.min(seconds, terms.maxTtl ?? seconds), isExplicit: own !== null };
}

/** The first that is there: s-maxage, max-age, Expires. */
function explicitLifetime(headers: readonly string[], { directives, isTargeted }: AnswerDirectives): number | null {
  const told = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age');
  if (told !== null || isTargeted) return told;
  const expires = getHeader(headers, 'expires');
  if (expires === null) return null;
  // An invalid time, and several that differ, are in the past (section 5.3).
  const end = parseHttpTime(expires);
  const begin = parseHttpTime(getHeader(headers, 'date') ?? '');
  return end === null ? 0 : Math.max(0, (end - (begin ?? Date.now())) / 1_000);
}

function assumedLifetime(headers: readonly string[], { defaultTtl, heuristic }: FreshnessTerms): number | null {
  if (!heuristic) return defaultTtl;
  const changed = parseHttpTime(getHeader(headers, 'last-modified') ?? '');
  if (changed === null) return defaultTtl;
  const begin = parseHttpTime(getHeader(headers, 'date') ?? '') ?? Date.now();
  return Math.min(MAX_HEURISTIC, Math.max(0, Math.floor((begin - changed) / 10_000)));
}

/** The age of an answer when it arrives, seconds (section 4.2.3). Times are milliseconds since the epoch. */
export function initialAge(headers: readonly string[], requestedAt: number, receivedAt: number): number {
  const date = parseHttpTime(getHeader(headers, 'date') ?? '');
  const apparent = date === null ? 0 : Math.max(0, (receivedAt - date) / 1_000);
  // The first value counts; an invalid one is ignored (section 5.1).
  const told = /^[0-9]+/.exec((getHeader(headers, 'age') ?? '').split(',', 1)[0]?.trim() ?? '');
  const corrected = (told === null ? 0 : Number(told[0])) + (receivedAt - requestedAt) / 1_000;
  return Math.max(apparent, corrected);
}
