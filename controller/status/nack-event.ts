// The Event about a resource that proxies refuse: on the object the resource was made of.
import { objectId } from '#api/k8s/object.ts';
import type { EventReport } from './event-writer.ts';
import type { Refusal } from './proxy-reports.ts';
import { originOf } from './origin.ts';
import { describeRefusal } from './programmed.ts';

export function refusalEvent(refusal: Refusal): EventReport {
  const { ref, part } = originOf(refusal.kind, refusal.key);
  const where = part === '' ? '' : `${part}: `;
  return {
    ref,
    // How many proxies refuse it changes from one to the next; that is one Event all the same.
    identity: `${objectId(ref)} ${part} ${refusal.version}`,
    type: 'Warning',
    reason: 'RefusedByProxy',
    action: 'Program',
    note: `${where}${describeRefusal(refusal)}`,
  };
}
