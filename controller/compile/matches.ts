// Compiles the matches of HTTPRoute rules, and the header matches that GRPCRoutes share with them.
import type { HttpHeaderMatch, HttpRouteMatch } from '#api/k8s/k8s.ts';
import type { Match, ValueMatch } from '#api/ir/ir.ts';

/** One match. Of several conditions on the same header or parameter the first counts, as in the Gateway API. */
export function compileMatch(match: HttpRouteMatch): Match {
  return {
    path: { type: match.path.type, value: match.path.value },
    method: match.method ?? null,
    headers: compileHeaderMatches(match.headers),
    queryParams: firstOfEachName(match.queryParams),
  };
}

/** Conditions on headers, one per name. */
export function compileHeaderMatches(headers: readonly HttpHeaderMatch[]): ValueMatch[] {
  return firstOfEachName(headers.map((header) => ({ ...header, name: header.name.toLowerCase() })));
}

function firstOfEachName(matches: readonly ValueMatch[]): ValueMatch[] {
  const seen = new Set<string>();
  return matches.filter(({ name }) => !seen.has(name) && seen.add(name)).map(({ type, name, value }) => ({ type, name, value }));
}
