// Commands to all proxies that answer with lines of JSON.
import type { Action } from '#api/wire/telemetry-messages.ts';
import { readLines } from '#lib/json-lines.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';

/** The fleet, as commands see it. */
export type Commanding = Pick<Fleet, 'command'>;

/** Commands all proxies, and takes the lines of each. The caller decides which lines a proxy may send. */
export function commandLines(
  fleet: Commanding,
  action: Action,
  take: (proxy: string, line: unknown) => void,
): Promise<readonly ProxyEnd[]> {
  const chunk = (proxy: string, data: Buffer): void => {
    for (const line of linesOf(data)) take(proxy, line);
  };
  const { signal } = new AbortController();
  return fleet.command({ action, deadlineMs: COMMAND_MS, proxies: null, chunk, signal });
}

/** A proxy that sends something else has told nothing. */
function linesOf(data: Buffer): readonly unknown[] {
  try {
    return readLines(data);
  } catch {
    return [];
  }
}
