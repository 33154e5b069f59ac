// The answers of proxies to a command.
import type { CommandAnswer } from '../../controller/operations/fleet.ts';
import { tableOf } from './table.ts';

/** A line for each proxy. */
export function commandText({ proxies }: CommandAnswer): string {
  if (proxies.length === 0) return 'no proxy is connected; the command holds for those that connect later';
  return tableOf(
    ['proxy', 'scope', 'outcome', 'reason'],
    proxies.map(({ proxy, scope, outcome, reason }) => [proxy, scope, outcome, reason]),
  );
}

/** The exit code: 1 if a proxy did not do it. */
export function commandCode({ proxies }: CommandAnswer): number {
  return proxies.every(({ outcome }) => outcome === 'done') ? 0 : 1;
}
