// Finds matches that can never win: several rules have the same match for requests, or claim the same connections, on the same listener.
// For `weir validate`.
import { compareRules } from '#api/match/rule-order.ts';
import { compareText } from '#lib/compare-text.ts';
import type { Match, Route, StreamRoute, ValueMatch } from '#api/ir/ir.ts';

/** Rules with the same match for the same hosts of the same listener. */
export interface Overlap {
  /** Key of the listener. */
  readonly listener: string;
  /** '' means any host. */
  readonly hostname: string;
  /** Null for whole connections. */
  readonly match: Match | null;
  /** Key of the Route that gets the requests. */
  readonly winner: string;
  /** Keys of the Routes that get none, in order of precedence. */
  readonly losers: readonly string[];
}

/** All overlaps among the routes. The order of the routes does not matter. */
export function findOverlaps(routes: Iterable<AnyRoute>): readonly Overlap[] {
  const claims = new Map<string, Claim>();
  for (const route of [...routes].sort(compareRules)) {
    for (const claim of claimsOf(route)) addTo(claims, claim, route.key);
  }
  return [...claims.entries()]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([, { listener, hostname, match, keys }]) => {
      const [winner = '', ...losers] = keys;
      return losers.length === 0 ? [] : [{ listener, hostname, match, winner, losers }];
    });
}

type AnyRoute = Route | StreamRoute;

interface Claim {
  readonly listener: string;
  readonly hostname: string;
  readonly match: Match | null;
  readonly keys: readonly string[];
}

function claimsOf(route: AnyRoute): readonly Omit<Claim, 'keys'>[] {
  const matches = route.kind === 'Route' ? route.matches : [null];
  return route.attachments.flatMap(({ listener, hostnames }) =>
    hostnames.flatMap((hostname) => matches.map((match) => ({ listener, hostname, match }))),
  );
}

/** Ignores a match that the same rule lists twice. */
function addTo(claims: Map<string, Claim>, { listener, hostname, match }: Omit<Claim, 'keys'>, key: string): void {
  const id = JSON.stringify([listener, hostname, match === null ? null : identity(match)]);
  const keys = claims.get(id)?.keys ?? [];
  if (!keys.includes(key)) claims.set(id, { listener, hostname, match, keys: [...keys, key] });
}

/** Equal for equivalent matches: the order of conditions does not matter. */
function identity({ path, method, headers, queryParams }: Match): unknown {
  return [path.type, path.value, method, conditions(headers), conditions(queryParams)];
}

function conditions(matches: readonly ValueMatch[]): readonly string[] {
  return matches.map(({ type, name, value }) => JSON.stringify([name, type, value])).sort();
}
