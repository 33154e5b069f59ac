// Purges of stored answers: the command of operators, and its part in each worker.
import { packLines, readLines } from '#lib/json-lines.ts';
import { err, ok } from '#lib/result.ts';
import type { PurgeSubject } from './cache/purges.ts';
import type { SharedCache } from './cache/shared-cache.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { CachePurgeInspection, Inspected, Inspecting } from './inspection/inspection.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** Drops answers of one worker, and of Redis if it is the first. */
export async function purgeCache(
  { by, value, isFirst }: CachePurgeInspection,
  { part }: Inspecting,
  cache: SharedCache,
): Promise<Inspected> {
  const subject: PurgeSubject = by === 'all' ? { by } : { by, value };
  const purged = await cache.purge(subject, isFirst);
  if (!purged.ok) return purged;
  for (const lines of packLines([purged.value], PART_BYTES)) await part(lines);
  return ok({ dropped: 0 });
}

/** The command for all workers of a proxy. */
export function cacheCommands(supervisor: Pick<Supervisor, 'workers' | 'inspect'>): CommandTable {
  return {
    purgeCache: async ({ purgeCache: { by, value } }, { chunk, signal }) => {
      let count = 0;
      const part = async (data: Buffer): Promise<void> =>
        void (count += (readLines(data) as number[]).reduce((sum, each) => sum + each, 0));
      const workers = Array.from({ length: supervisor.workers }, (_, worker) =>
        supervisor.inspect({ kind: 'cachePurge', by, value, isFirst: worker === 0 }, worker, { part, signal }),
      );
      const inspected = await Promise.all(workers);
      for (const lines of packLines([count], PART_BYTES)) await chunk(lines);
      const failed = inspected.find((each) => !each.ok);
      return failed === undefined ? ok(undefined) : err(`a worker has not purged its answers: ${failed.error}; repeat the purge`);
    },
  };
}
