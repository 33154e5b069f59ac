// An inspection of several workers: it ends when all have ended.
import { err, ok } from '#lib/result.ts';
import type { Inspected, Inspecting, Inspection } from '../inspection/inspection.ts';
import type { WorkerLink } from './link.ts';

/** Inspects workers at the same time. Rejects if one fails, once all have ended. */
export async function inspectAll(
  workers: readonly Pick<WorkerLink, 'inspect'>[],
  inspection: Inspection,
  inspecting: Inspecting,
): Promise<Inspected> {
  const ends = await Promise.allSettled(workers.map((worker) => worker.inspect(inspection, inspecting)));
  let dropped = 0;
  for (const end of ends) {
    if (end.status === 'rejected') throw end.reason;
    if (!end.value.ok) return err(end.value.error);
    dropped += end.value.value.dropped;
  }
  return ok({ dropped });
}
