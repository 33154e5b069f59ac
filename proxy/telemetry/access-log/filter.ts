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
  readonly client: string;
  /** The authenticated caller; null without one, and for streams. */
  readonly caller: { readonly id: string; readonly consumer: string } | null;
}

/** Whether the log has the line. */
export function keeps(filter: Exclude<LogFilter, null>, subject: Subject): boolean {
  for (const rule of filter) if (holds(rule, subject)) return true;
  return false;
}

function holds(rule: LogRule, subject: Subject): boolean {
  return isOf(rule, subject) && isFrom(rule, subject) && (rule.sample === 1 || Math.random() < rule.sample);
}

function isOf({ statuses, duration, routes, error }: LogRule, { status, ms, route, failed }: Subject): boolean {
  if (error && !failed) return false;
  if (duration !== null && ms < duration) return false;
  if (statuses !== null && !hasStatus(statuses, status)) return false;
  return routes === null || isAmong(routes, route);
}

function hasStatus(statuses: Exclude<LogRule['statuses'], null>, status: number): boolean {
  return statuses.some(([first, last]) => status >= first && status <= last);
}

function isAmong(routes: readonly string[], key: string): boolean {
  if (key === '') return false;
  const name = routeNameOf(key);
  return routes.includes(name) || routes.includes(`${name.slice(0, name.indexOf('/'))}/*`);
}

function isFrom({ clients, principals }: LogRule, { client, caller }: Subject): boolean {
  if (clients !== null && !clients.includes(client)) return false;
  if (principals === null) return true;
  return caller !== null && (principals.includes(caller.id) || (caller.consumer !== '' && principals.includes(caller.consumer)));
}
