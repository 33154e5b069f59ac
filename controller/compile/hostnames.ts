// The intersection of the host name patterns of listeners and routes ('' matches any host, `*.suffix` any host below suffix).
import { coversHost } from '#api/match/hostname.ts';

/** The more specific pattern if one covers the other, else null. Two patterns that overlap always cover one another. */
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
