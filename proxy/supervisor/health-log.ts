// The log of the health of endpoints: one line per change that the health checks or the workers of a proxy find out, regardless of the number
// of workers. The names of its events are stable: docs/reference/health.md lists them.
import type { Log } from '#lib/log.ts';
import { splitEjectionKey } from '../exchange/notices.ts';
import type { Broadcast } from '../exchange/notices.ts';
import type { HealthChange } from '../health/health-checker.ts';

/** The field `event` of the lines, and their messages. */
export const HEALTH_EVENTS = {
  health_check_failed: 'an endpoint fails its health check',
  health_check_passed: 'an endpoint passes its health check again',
  endpoint_ejected: 'an endpoint is ejected: its requests fail, or take too long',
  endpoint_returned: 'an ejected endpoint returns',
} as const;
type HealthEvent = keyof typeof HEALTH_EVENTS;

/** Logs a result of health checks that differs from the one before. */
export function logHealth({ target: { address, port, check }, health, failure, first }: HealthChange, log: Log): void {
  const probe = { endpoint: `${address} port ${port}`, check: check.request.type };
  if (health === 'unhealthy') write(log, 'warn', 'health_check_failed', { ...probe, ...failure });
  else if (!first) write(log, 'info', 'health_check_passed', probe);
}

/** Logs ejections and returns of endpoints. */
export function logEjections(broadcast: Broadcast, log: Log): void {
  const ejected = new Set<string>();
  broadcast.subscribe('ejected', (key, notice) => {
    const endpoint = splitEjectionKey(key).endpoint.replace('|', ' port ');
    if (notice === null) {
      if (ejected.delete(key)) write(log, 'info', 'endpoint_returned', { endpoint });
      return;
    }
    if (ejected.has(key)) return;
    ejected.add(key);
    const { cause, times, length } = notice;
    write(log, 'warn', 'endpoint_ejected', { endpoint, cause, ms: length, times });
  });
}

function write(log: Log, level: 'info' | 'warn', event: HealthEvent, fields: object): void {
  log[level]({ event, ...fields }, HEALTH_EVENTS[event]);
}
