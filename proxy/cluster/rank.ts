// The rank of an endpoint: by its priority first, then by its zone.
import type { Member } from './member.ts';

/** `hints`: the zones for which Kubernetes allocates an endpoint; `local`: the zone that the endpoint is in. */
export interface ZoneSettings {
  readonly prefer: 'none' | 'hints' | 'local';
  /** Fewer usable endpoints of the zone of the proxy are not preferred. */
  readonly minEndpoints: number;
}

/** Rank by priority and zone. `zone`: of the proxy; '' is unknown. Without hints for all endpoints, hints have no effect. */
export function ranking(candidates: readonly Member[], settings: ZoneSettings, zone: string): (member: Member) => number {
  const isNear = nearness(candidates, settings, zone);
  if (isNear === null) return ({ priority }) => 2 * priority;
  const counts = new Map<number, number>();
  for (const member of candidates) if (isNear(member)) counts.set(member.priority, (counts.get(member.priority) ?? 0) + 1);
  const isPreferred = (priority: number): boolean => (counts.get(priority) ?? 0) >= settings.minEndpoints;
  return (member) => 2 * member.priority + (isPreferred(member.priority) && !isNear(member) ? 1 : 0);
}

/** Whether an endpoint is near; null if no endpoint is preferred. */
function nearness(
  candidates: readonly Member[],
  { prefer }: ZoneSettings,
  zone: string,
): ((member: Pick<Member, 'zone' | 'hints'>) => boolean) | null {
  if (zone === '' || prefer === 'none') return null;
  if (prefer === 'local') return (member) => member.zone === zone;
  return candidates.every(({ hints }) => hints.length > 0) ? ({ hints }) => hints.includes(zone) : null;
}
