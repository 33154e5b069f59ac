// The priority of a BackendTrafficPolicy.
import type { PolicySettings } from '#api/policy/settings.ts';
import { PRIORITY } from '../../exchange/priority.ts';
import type { PriorityPlan } from '../../exchange/priority.ts';

const LEVELS = { Critical: PRIORITY.critical, Default: PRIORITY.default, Sheddable: PRIORITY.sheddable } as const;

/** Null if every request has the default priority. */
export function priorityPlan({ level = 'Default', header }: PolicySettings<'BackendTrafficPolicy'>['priority'] = {}): PriorityPlan | null {
  if (level === 'Default' && header === undefined) return null;
  return { level: LEVELS[level], header: header === undefined ? null : header.toLowerCase() };
}
