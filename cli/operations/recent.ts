// `weir tail --since` and `weir trace`: lines that proxies keep about requests that ended lately.
import type { FlagValues } from '#lib/flags.ts';
import type { RecentList, ShownLine } from '../../controller/operations/recent.ts';
import { callOperation } from './client.ts';
import { commandText } from './command-text.ts';
import type { Connection } from './connection.ts';
import { printable } from './table.ts';

/** The line, and its proxy before it. */
export function lineText({ proxy, line }: ShownLine): string {
  return `${printable(proxy)} ${line}`;
}

/** Says on standard error what is missing. The exit code is 1 if a proxy did not answer. */
export function tellRecent({ more, missing }: RecentList): number {
  if (more > 0) console.error(`weir: ${more} older lines have no room in the answer`);
  if (missing.length > 0) console.error(`weir: some proxies do not tell their lines\n${commandText({ proxies: missing })}`);
  return missing.length > 0 ? 1 : 0;
}

/** Prints the lines that proxies keep, as a tail has them. Returns the exit code. */
export async function printRecent(
  connection: Connection,
  values: FlagValues,
  { proxies, filter, since }: { readonly proxies: readonly string[]; readonly filter: string; readonly since: string },
): Promise<number> {
  const body = { filter, since, ...(proxies.length === 0 ? {} : { proxies }) };
  const answer = await callOperation<RecentList>(connection, { method: 'POST', path: '/proxies/recent', body });
  const isJson = values.text('output') === 'json';
  for (const { proxy, line } of answer.lines) console.log(isJson ? JSON.stringify({ proxy, line }) : line);
  return tellRecent(answer);
}
