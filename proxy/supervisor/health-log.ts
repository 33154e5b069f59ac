// The log of what the workers of a proxy find out about endpoints: one line per change, regardless of the number of workers.
import type { Log } from '#lib/log.ts';
import { splitEjectionKey } from '../exchange/notices.ts';
import type { Broadcast } from '../exchange/notices.ts';

/** Logs ejections and returns of endpoints. */
export function logEjections(broadcast: Broadcast, log: Log): void {
  const ejected = new Set<string>();
  broadcast.subscribe('ejected', (key, notice) => {
    const endpoint = splitEjectionKey(key).endpoint.replace('|', ' port ');
    if (notice === null) {
      if (ejected.delete(key)) log.info({ endpoint }, 'an ejected endpoint returns');
      return;
    }
    if (ejected.has(key)) return;
    ejected.add(key);
    const { cause, times, length } = notice;
    log.warn({ endpoint, cause, ms: length, times }, 'an endpoint is ejected: its requests fail, or take too long');
  });
}
