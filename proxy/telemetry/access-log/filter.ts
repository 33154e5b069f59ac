// The filter of the access log.
import type { LogFilter, LogRule } from '#api/access-log/filter.ts';
import { routeNameOf } from './origin.ts';

/** The values that conditions check. */
export interface Subject {
  /** 0 for streams. */
  readonly status: number;
  readonly ms: number;
  /** Key of the route; '' without one. */
  readonly route: string;
  readonly failed: boolean;
}

/** Whether the log has the line. */
export function keeps(filter: Exclude<LogFilter, null>, subject: Subject): boolean {
  for (const rule of filter) if (holds(rule, subject)) return true;
  return false;
}

function holds({ statuses, duration, routes, error, sample }: LogRule, { status, ms, route, failed }: Subject): boolean {
  if (error && !failed) return false;
  if (duration !== null && ms < duration) return false;
  if (statuses !== null && !hasStatus(statuses, status)) return false;
  if (routes !== null && !isAmong(routes, route)) return false;
  return sample === 1 || Math.random() < sample;
}

function hasStatus(statuses: Exclude<LogRule['statuses'], null>, status: number): boolean {
  return statuses.some(([first, last]) => status >= first && status <= last);
}

function isAmong(routes: readonly string[], key: string): boolean {
  if (key === '') return false;
  const name = routeNameOf(key);
  return routes.includes(name) || routes.includes(`${name.slice(0, name.indexOf('/'))}/*`);
}
