// Commands to all proxies that answer with lines of JSON: what each tells, the first of all in an order, or a sum.
import type { Action } from '#api/wire/telemetry-messages.ts';
import { readLines } from '#lib/json-lines.ts';
import { Listing } from '#lib/limit/listing.ts';
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

/** The lines that a list is made of: a proxy tells its first ones, and the number of those that have no room. */
export interface Listed<L extends object> {
  readonly isLine: (line: unknown) => line is L | { readonly more: number };
  /** Lower ones come first. */
  readonly rank: (line: L) => number;
  /** Lines in the list. */
  readonly top: number;
}

/** A list over all proxies. */
export interface FleetList<L extends object> {
  readonly lines: readonly (L & { readonly proxy: string })[];
  /** Those that have no room in the list. */
  readonly more: number;
  /** Proxies that do not tell their lines. */
  readonly missing: readonly ProxyEnd[];
}

/** The first lines of all proxies, each with its proxy. */
export async function commandList<L extends object>(
  fleet: Commanding,
  action: Action,
  { isLine, rank, top }: Listed<L>,
): Promise<FleetList<L>> {
  const listing = new Listing<L & { readonly proxy: string }>(top);
  let untold = 0;
  const ends = await commandLines(fleet, action, (proxy, line) => {
    if (!isLine(line)) return;
    if ('more' in line) untold += line.more;
    else listing.add(rank(line), { ...line, proxy });
  });
  return { lines: listing.values, more: listing.more + untold, missing: ends.filter(({ outcome }) => outcome !== 'done') };
}

/** The sum of the numbers that proxies tell, and their ends. */
export async function commandSum(
  fleet: Commanding,
  action: Action,
): Promise<{ readonly sum: number; readonly proxies: readonly ProxyEnd[] }> {
  let sum = 0;
  const proxies = await commandLines(fleet, action, (_, line) => {
    if (typeof line === 'number' && Number.isSafeInteger(line) && line > 0) sum += line;
  });
  return { sum, proxies };
}

/** A proxy that sends something else has told nothing. */
function linesOf(data: Buffer): readonly unknown[] {
  try {
    return readLines(data);
  } catch {
    return [];
  }
}
