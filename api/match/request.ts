// The request and the result of the matcher: the interface of api/match for all other folders.
import type { Match, Route } from '#api/ir/ir.ts';
import type { OwnFields } from './own-field.ts';

/** A request as routing sees it. A proxy may reuse one object: the matcher keeps no reference. */
export interface MatchRequest {
  readonly method: string;
  /** The result of `normaliseHost`: lower case, without port and final dot; '' if the request has no host. */
  readonly host: string;
  /** The result of `normalisePath`, without query. */
  readonly path: string;
  /** As received, without the '?'; '' if absent. */
  readonly query: string;
  /** Flat list: name in lower case, value, name, value, ... */
  readonly headers: readonly string[];
  /** Headers that are not in the list. Absent: the list has all headers. */
  readonly own?: OwnFields | undefined;
  /** Key of the listener that SNI selected. If the host does not belong to it, the result is null (a misdirected request, 421). */
  readonly listener?: string | undefined;
}

/** The winning match. Created with the table, frozen, and shared by all its requests. */
export interface Found {
  readonly route: Route;
  readonly match: Match;
  /** Index of `match` in `route.matches`. */
  readonly matchIndex: number;
  /** Key of the listener of the request. */
  readonly listener: string;
  /**
   * For ReplacePrefixMatch: the number of characters of the path that the PathPrefix covers. `path.slice(prefixLength)` is '' or starts
   * with '/': `/` covers 0 characters, `/foo` and `/foo/` cover 4. 0 for other kinds of match.
   */
  readonly prefixLength: number;
  /** The reason why the rule cannot be served (answered with 500), or null. */
  readonly invalidReason: string | null;
}

/** A part of a route that the matcher cannot use. The rest of the table is not affected. */
export interface RouteProblem {
  readonly routeKey: string;
  /** Path of the field in the route, for example `matches/0/path/value`. */
  readonly field: string;
  readonly reason: string;
}
