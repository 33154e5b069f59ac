// What operators see of requests that ended lately: the command, and its part in each worker.
import { parseFilter } from '#api/access-log/filter.ts';
import type { RecentLine } from '#api/wire/recent-lines.ts';
import { packLines, readLines } from '#lib/json-lines.ts';
import { Listing } from '#lib/limit/listing.ts';
import { err, ok } from '#lib/result.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { Inspected, Inspecting, RecentRequestsInspection } from './inspection/inspection.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';
import type { RecentRequests } from './telemetry/access-log/recent-requests.ts';

/** Lists the lines of one worker. */
export async function listRecent(
  inspection: RecentRequestsInspection,
  { part, signal }: Inspecting,
  recent: RecentRequests | null,
): Promise<Inspected> {
  if (recent === null) return err('this proxy keeps no lines: --recent-requests is off');
  const { lines, more } = recent.list(inspection);
  for (const packed of packLines(lines, PART_BYTES)) {
    if (signal.aborted) break;
    await part(packed);
  }
  return ok({ dropped: more });
}

/** The command for all workers of a proxy. */
export function recentRequestCommands(supervisor: Pick<Supervisor, 'inspect'>): CommandTable {
  return {
    recentRequests: async ({ recentRequests: { filter: text, ageMs, id, top } }, { chunk, signal }) => {
      const filter = parseFilter(text);
      if (!filter.ok) return err(`filter: ${filter.error}`);
      const listing = new Listing<RecentLine>(top);
      const part = async (data: Buffer): Promise<void> => {
        for (const line of readLines(data) as RecentLine[]) listing.add(-line.at, line);
      };
      const question = { kind: 'recentRequests', filter: filter.value, ageMs, id, top } as const;
      const inspected = await supervisor.inspect(question, null, { part, signal });
      if (!inspected.ok) return inspected;
      const more = listing.more + inspected.value.dropped;
      for (const lines of packLines([...listing.values, { more }], PART_BYTES)) await chunk(lines);
      return ok(undefined);
    },
  };
}
