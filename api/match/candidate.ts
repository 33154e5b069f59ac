// One match of one route on one listener, compiled: everything the search compares, in one object of fixed shape.
import type { Match, Route } from '#api/ir/ir.ts';
import { headersMatch, queryMatches, type Predicate } from './predicate.ts';
import { regexMatches, type Regex } from './regex.ts';
import type { Found, MatchRequest } from './request.ts';

/** The compiled form of an `ir.Match`, shared by the candidates of all listeners the route is attached to. */
export interface CompiledMatch {
  readonly match: Match;
  readonly matchIndex: number;
  readonly pathType: Match['path']['type'];
  /** Normalised path, prefix without the slash at its end ('' is the prefix `/`), or the expression; '' for GrpcMethod, which is kept with that prefix. */
  readonly path: string;
  readonly pathRegex: Regex | null;
  readonly method: string | null;
  /** Null when there are no conditions. */
  readonly headers: readonly Predicate[] | null;
  readonly query: readonly Predicate[] | null;
}

/** What the tree holds and `find` answers with. Frozen. */
export interface Candidate extends Found, CompiledMatch {
  readonly match: Match;
  readonly matchIndex: number;
}

/** Makes the entry for one listener. The one literal all candidates come from, so that V8 sees one shape. */
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

/** Whether method, headers and query hold. The path is the tree's concern. */
export function candidateHolds(candidate: Candidate, request: MatchRequest): boolean {
  if (candidate.method !== null && candidate.method !== request.method) return false;
  if (candidate.headers !== null && !headersMatch(candidate.headers, request)) return false;
  return candidate.query === null || queryMatches(candidate.query, request.query);
}

/** The first candidate that holds. The list is in order of precedence, and a path that is no expression is known to match. */
export function firstMatch(candidates: readonly Candidate[], request: MatchRequest): Candidate | null {
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate;
    // The expression last: it costs the most.
    if (candidateHolds(candidate, request) && (candidate.pathRegex === null || regexMatches(candidate.pathRegex, request.path)))
      return candidate;
  }
  return null;
}
