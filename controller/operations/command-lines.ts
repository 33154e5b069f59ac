// Commands to all proxies that answer with lines of JSON.
import type { Action } from '#api/wire/telemetry-messages.ts';
import { readLines } from '#lib/json-lines.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { Order, ProxyEnd } from '../telemetry/hub.ts';

/** The fleet, as commands see it. */
export type Commanding = Pick<Fleet, 'command'>;

/** Commands proxies, all by default, and takes the lines of each. The caller decides which lines a proxy may send. */
export function commandLines(
  fleet: Commanding,
  action: Action,
  take: (proxy: string, line: unknown) => void,
  { proxies = null, deadlineMs = COMMAND_MS }: Partial<Pick<Order, 'proxies' | 'deadlineMs'>> = {},
): Promise<readonly ProxyEnd[]> {
  const chunk = (proxy: string, data: Buffer): void => {
    for (const line of linesOf(data)) take(proxy, line);
  };
  const { signal } = new AbortController();
  return fleet.command({ action, deadlineMs, proxies, chunk, signal });
}

/** A proxy that sends something else has told nothing. */
function linesOf(data: Buffer): readonly unknown[] {
  try {
    return readLines(data);
  } catch {
    return [];
  }
}
