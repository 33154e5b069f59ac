// What the matcher is asked and what it answers: the two ends of api/match that every other folder sees.
import type { Match, Route } from '#api/ir/ir.ts';
import type { OwnFields } from './own-field.ts';

/** A request as far as routing looks at it. A proxy may fill in one such object again and again: the matcher keeps none. */
export interface MatchRequest {
  readonly method: string;
  /** As `normaliseHost` returns it: lower case, without port and trailing dot; '' when the request names none. */
  readonly host: string;
  /** As `normalisePath` returns it, without query. */
  readonly path: string;
  /** Raw, without the '?'; '' when there is none. */
  readonly query: string;
  /** Flat list: name in lower case, value, name, value, ... */
  readonly headers: readonly string[];
  /** What is not in the list. Without it the list has them all. */
  readonly own?: OwnFields | undefined;
  /** Key of the listener that SNI picked. The host must belong to it, or nothing is found (a misdirected request, 421). */
  readonly listener?: string | undefined;
}

/** The match that won. Made once when the table is built, frozen, shared by all requests that hit it. */
export interface Found {
  readonly route: Route;
  readonly match: Match;
  /** Index of `match` in `route.matches`. */
  readonly matchIndex: number;
  /** Key of the listener the request came through. */
  readonly listener: string;
  /**
   * For ReplacePrefixMatch: how many characters of the path the PathPrefix covers. `path.slice(prefixLength)` is '' or
   * begins with '/': `/` covers 0 characters, `/foo` and `/foo/` cover 4. 0 for other kinds of match, which have no prefix.
   */
  readonly prefixLength: number;
  /** Why the rule cannot be served (answer 500 with it), or null. */
  readonly invalidReason: string | null;
}

/** A part of a route the matcher cannot use. The rest of the table is not affected. */
export interface RouteProblem {
  readonly routeKey: string;
  /** Path of the field inside the route, e.g. `matches/0/path/value`. */
  readonly field: string;
  readonly reason: string;
}
