// The members of a cluster that a balancer may choose from.
import { draining } from './health/draining.ts';
import type { EndpointHealth } from './health/endpoint-health.ts';
import type { Member } from './member.ts';

/**
 * The members without those that a reason excludes. A reason that would exclude all that are left has no effect: Weir keeps serving. An
 * operator's word counts more than any reason: an endpoint that is forced out is never chosen, one that is forced in always may be.
 */
export function candidatesOf(members: readonly Member[], health: readonly EndpointHealth[], panicThreshold: number): readonly Member[] {
  const allowed = members.filter(isAllowed);
  const healthy = health.reduce(without, allowed);
  const usable = inPanic(allowed, healthy, panicThreshold);
  if (!allowed.some(isForcedIn)) return usable;
  const chosen = new Set(usable);
  return allowed.filter((member) => chosen.has(member) || isForcedIn(member));
}

/** The members that the reasons up to the one with this name leave. */
export function leftBy(members: readonly Member[], health: readonly EndpointHealth[], last: string): readonly Member[] {
  const until = health.findIndex(({ reason }) => reason === last) + 1;
  return health.slice(0, until).reduce(without, members.filter(isAllowed));
}

/**
 * If too few are healthy, they could not bear the load of all: then health does not count, and all that do not drain are used. `threshold`:
 * percent of them.
 */
function inPanic(members: readonly Member[], healthy: readonly Member[], threshold: number): readonly Member[] {
  const lasting = without(members, draining);
  return healthy.length * 100 < lasting.length * threshold ? lasting : healthy;
}

function without(members: readonly Member[], health: EndpointHealth): readonly Member[] {
  const usable = health.usable(members);
  return usable.length === 0 ? members : usable;
}

function isAllowed({ endpoint }: Member): boolean {
  return endpoint.override !== 'out';
}

function isForcedIn({ endpoint }: Member): boolean {
  return endpoint.override === 'in';
}
