// Host names with wildcards, as listeners and routes give them: '' is any host, `*.suffix` any host below suffix.

/**
 * The host names both sides agree on, or null when there is none.
 * `*.example.com` covers `a.example.com` and `a.b.example.com`, but not `example.com`.
 */
export function intersect(left: string, right: string): string | null {
  if (covers(left, right)) return right;
  if (covers(right, left)) return left;
  return null;
}

/** The host names of a listener and a route that intersect, sorted and without duplicates. A route without host names takes the listener's. */
export function intersectAll(listener: string, route: readonly string[]): readonly string[] {
  if (route.length === 0) return [listener];
  const common = route.map((hostname) => intersect(listener, hostname)).filter((hostname) => hostname !== null);
  return [...new Set(common)].sort();
}

/** True when every host of `narrow` is one of `wide`. */
function covers(wide: string, narrow: string): boolean {
  if (wide === '' || wide === narrow) return true;
  return wide.startsWith('*.') && narrow.endsWith(wide.slice(1));
}
