// What listeners and routes agree on: the intersection of host name patterns ('' is any host, `*.suffix` any host below suffix).
import { coversHost } from '#api/match/hostname.ts';

/** The hosts both patterns cover, or null when there is none. Of two patterns that overlap, one always covers the other. */
export function intersect(left: string, right: string): string | null {
  if (coversHost(left, right)) return right;
  if (coversHost(right, left)) return left;
  return null;
}

/** The intersections of a listener's host name and a route's, sorted and without duplicates. A route without host names takes the listener's. */
export function intersectAll(listener: string, route: readonly string[]): readonly string[] {
  if (route.length === 0) return [listener];
  const common = route.map((hostname) => intersect(listener, hostname)).filter((hostname) => hostname !== null);
  return [...new Set(common)].sort();
}
