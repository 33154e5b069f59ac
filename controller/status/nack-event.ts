// The Event about a refused resource, on the object that it was compiled from.
import { objectId } from '#api/k8s/object.ts';
import type { EventReport } from './event-writer.ts';
import type { Refusal } from './proxy-reports.ts';
import { originOf } from '#api/ir/ir.ts';
import { describeRefusal } from './programmed.ts';

export function refusalEvent(refusal: Refusal): EventReport {
  const { ref, part } = originOf(refusal.kind, refusal.key);
  const where = part === '' ? '' : `${part}: `;
  return {
    ref,
    // The number of refusing proxies is left out: the Event stays the same when it changes.
    identity: `${objectId(ref)} ${part} ${refusal.version}`,
    type: 'Warning',
    reason: 'RefusedByProxy',
    action: 'Program',
    note: `${where}${describeRefusal(refusal)}`,
  };
}
