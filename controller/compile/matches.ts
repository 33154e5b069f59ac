// Matches of an HTTPRoute rule, and the header matches that GRPCRoutes share with them, in the form a proxy matches with.
import type { HttpHeaderMatch, HttpRouteMatch } from '#api/k8s/k8s.ts';
import type { Match, ValueMatch } from '#api/ir/ir.ts';

/** One match. Of several conditions on one header or parameter the first counts, as the Gateway API has it. */
export function compileMatch(match: HttpRouteMatch): Match {
  return {
    path: { type: match.path.type, value: match.path.value },
    method: match.method ?? null,
    headers: compileHeaderMatches(match.headers),
    queryParams: firstOfEachName(match.queryParams),
  };
}

/** Conditions on headers, each name once. */
export function compileHeaderMatches(headers: readonly HttpHeaderMatch[]): ValueMatch[] {
  return firstOfEachName(headers.map((header) => ({ ...header, name: header.name.toLowerCase() })));
}

function firstOfEachName(matches: readonly ValueMatch[]): ValueMatch[] {
  const seen = new Set<string>();
  return matches.filter(({ name }) => !seen.has(name) && seen.add(name)).map(({ type, name, value }) => ({ type, name, value }));
}
