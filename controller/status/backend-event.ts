// Events about Backends whose objects are the reason that endpoints are left out. Troubles of sources have Events of their own.
import { objectId } from '#api/k8s/object.ts';
import { ENDPOINTS_RESOLVED } from '../compile/conditions.ts';
import type { DesiredStatus } from '../compile/result.ts';
import type { EventReport } from './event-writer.ts';

const TOLD: ReadonlySet<string> = new Set(['AddressRefused', 'InvalidSecretRef']);

/** The Events for changed statuses. */
export function backendEvents(statuses: Iterable<DesiredStatus>): readonly EventReport[] {
  return [...statuses].flatMap((status) => (status.type === 'Backend' ? status.conditions.flatMap((each) => eventOf(status, each)) : []));
}

type BackendStatus = Extract<DesiredStatus, { type: 'Backend' }>;

function eventOf({ ref }: BackendStatus, { type, reason, message }: BackendStatus['conditions'][number]): readonly EventReport[] {
  if (type !== ENDPOINTS_RESOLVED || !TOLD.has(reason)) return [];
  return [{ ref, identity: `${objectId(ref)} ${reason} ${message}`, type: 'Warning', reason, action: 'Resolve', note: message }];
}
