// What operators see and reset of the limits in a worker.
import { packLines } from '#lib/json-lines.ts';
import { ok } from '#lib/result.ts';
import type { SecurityEvents } from './exchange/security-events.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { Inspected, Inspecting, LimitResetInspection, LimitsInspection } from './inspection/inspection.ts';
import type { WorkerLimits } from './limit/worker-limits.ts';

/** Lists or resets keys. Rejects if Redis does not answer. */
export async function inspectLimits(
  inspection: LimitsInspection | LimitResetInspection,
  { part }: Inspecting,
  limits: Pick<WorkerLimits, 'list' | 'reset'>,
  security: SecurityEvents,
): Promise<Inspected> {
  if (inspection.kind === 'limits') {
    const listing = await limits.list(inspection.listing);
    for (const lines of packLines(listing.values, PART_BYTES)) await part(lines);
    return ok({ dropped: listing.more });
  }
  const count = await limits.reset(inspection.reset, inspection.isFirst);
  if (inspection.isFirst) tell(inspection, security);
  for (const lines of packLines([count], PART_BYTES)) await part(lines);
  return ok({ dropped: 0 });
}

function tell({ limit, reset: { key } }: LimitResetInspection, security: SecurityEvents): void {
  const name = limit.slice(limit.lastIndexOf('/') + 1);
  const policy = `RateLimitPolicy/${limit.slice(0, limit.lastIndexOf('/'))}`;
  const reason = key === null ? 'an operator resets the limit' : 'an operator resets a key';
  security.emit('limit_reset', null, { reason, policy, rule: name, ...(key === null ? {} : { source: key }) });
}
