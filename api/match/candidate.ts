// A candidate: one match of one route on one listener, compiled. It has everything that the search compares, in one object of fixed shape.
import type { Match, Route } from '#api/ir/ir.ts';
import { headersMatch, queryMatches, type Predicate } from './predicate.ts';
import { regexMatches, type Regex } from './regex.ts';
import type { Found, MatchRequest } from './request.ts';

/** The compiled form of an `ir.Match`. The candidates of all listeners of the route share it. */
export interface CompiledMatch {
  readonly match: Match;
  readonly matchIndex: number;
  readonly pathType: Match['path']['type'];
  /**
   * The normalised path, the prefix without the slash at its end ('' for `/`), or the expression; '' for GrpcMethod, which is stored at the
   * prefix `/`.
   */
  readonly path: string;
  readonly pathRegex: Regex | null;
  readonly method: string | null;
  /** Null: no conditions. */
  readonly headers: readonly Predicate[] | null;
  readonly query: readonly Predicate[] | null;
}

/** An entry of the tree and a result of `find`. Frozen. */
export interface Candidate extends Found, CompiledMatch {
  readonly match: Match;
  readonly matchIndex: number;
}

/** Creates the candidate for one listener. All candidates come from this literal, so that V8 sees one shape. */
export function makeCandidate(compiled: CompiledMatch, route: Route, listener: string, invalidReason: string | null): Candidate {
  return Object.freeze({
    route,
    match: compiled.match,
    matchIndex: compiled.matchIndex,
    listener,
    prefixLength: compiled.pathType === 'PathPrefix' ? compiled.path.length : 0,
    invalidReason,
    pathType: compiled.pathType,
    path: compiled.path,
    pathRegex: compiled.pathRegex,
    method: compiled.method,
    headers: compiled.headers,
    query: compiled.query,
  });
}

/** Whether method, headers and query match. The tree has compared the path. */
export function candidateHolds(candidate: Candidate, request: MatchRequest): boolean {
  if (candidate.method !== null && candidate.method !== request.method) return false;
  if (candidate.headers !== null && !headersMatch(candidate.headers, request)) return false;
  return candidate.query === null || queryMatches(candidate.query, request.query);
}

/** The first candidate that matches. The list is in order of precedence; a path that is not an expression already matches. */
export function firstMatch(candidates: readonly Candidate[], request: MatchRequest): Candidate | null {
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    // The expression comes last: it is the most expensive.
    if (candidateHolds(candidate, request) && (candidate.pathRegex === null || regexMatches(candidate.pathRegex, request.path)))
      return candidate;
  }
  return null;
}
