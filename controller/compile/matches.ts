// Matches of an HTTPRoute rule, in the form a proxy matches with.
import type { HttpRouteMatch } from '#api/k8s/k8s.ts';
import type { Match, ValueMatch } from '#api/ir/ir.ts';

/** One match. Of several conditions on one header or parameter the first counts, as the Gateway API has it. */
export function compileMatch(match: HttpRouteMatch): Match {
  const headers = match.headers.map((header) => ({ ...header, name: header.name.toLowerCase() }));
  return {
    path: { type: match.path.type, value: match.path.value },
    method: match.method ?? null,
    headers: firstOfEachName(headers),
    queryParams: firstOfEachName(match.queryParams),
  };
}

function firstOfEachName(matches: readonly ValueMatch[]): ValueMatch[] {
  const seen = new Set<string>();
  return matches.filter(({ name }) => !seen.has(name) && seen.add(name)).map(({ type, name, value }) => ({ type, name, value }));
}
