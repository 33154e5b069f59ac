// The first condition of a match that a request does not meet, as text for `explain`.
import type { Candidate } from './candidate.ts';
import { predicateHolds, queryValue, requestHeader, type Predicate } from './predicate.ts';
import { regexMatches } from './regex.ts';
import type { MatchRequest } from './request.ts';

/** The step at which a match lost. `precedence`: all conditions hold, but another match comes first. */
export type LossStep = 'listener' | 'host' | 'path' | 'method' | 'header' | 'query' | 'precedence';

/** The reason why a match did not win. */
export interface Loss {
  readonly step: LossStep;
  readonly reason: string;
}

/** The first condition that the request does not meet, path first; null if all hold or may hold (headers with unknown values). */
export function lossOf(candidate: Candidate, request: MatchRequest, isUntold: (header: string) => boolean): Loss | null {
  return (
    pathLoss(candidate, request.path) ??
    methodLoss(candidate, request.method) ??
    predicateLoss('header', candidate.headers?.filter(({ name }) => !isUntold(name)) ?? null, (predicate) =>
      requestHeader(request, predicate),
    ) ??
    predicateLoss('query', candidate.query, ({ name }) => queryValue(request.query, name))
  );
}

function pathLoss(candidate: Candidate, path: string): Loss | null {
  const pattern = JSON.stringify(candidate.match.path.value);
  switch (candidate.pathType) {
    case 'Exact':
      return path === candidate.path ? null : { step: 'path', reason: `path: wanted exactly ${pattern}` };
    case 'PathPrefix':
      return `${path}/`.startsWith(`${candidate.path}/`) ? null : { step: 'path', reason: `path: wanted ${pattern} or a path below it` };
    case 'RegularExpression':
    case 'GrpcMethod':
      if (candidate.pathRegex !== null && regexMatches(candidate.pathRegex, path)) return null;
      return { step: 'path', reason: `path: wanted a match of ${pattern}` };
  }
}

function methodLoss(candidate: Candidate, method: string): Loss | null {
  if (candidate.method === null || candidate.method === method) return null;
  return { step: 'method', reason: `method: wanted ${candidate.method}, got ${method}` };
}

function predicateLoss(
  step: 'header' | 'query',
  predicates: readonly Predicate[] | null,
  valueOf: (predicate: Predicate) => string | null,
): Loss | null {
  for (const predicate of predicates ?? []) {
    const value = valueOf(predicate);
    if (predicateHolds(predicate, value)) continue;
    const pattern = `${predicate.regex === null ? '' : 'a match of '}${JSON.stringify(predicate.value)}`;
    const got = value === null ? 'none' : JSON.stringify(value);
    return { step, reason: `${step} ${predicate.name}: wanted ${pattern}, got ${got}` };
  }
  return null;
}
