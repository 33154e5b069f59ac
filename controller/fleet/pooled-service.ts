// A Service that gets its addresses from the pool: its request and its addresses as read from the API server, and the status to write.
import { ADDRESSES_ASSIGNED, ASKED_ADDRESSES, POOL_CLASS } from '../compile/address-request.ts';
import { metadataOf } from '../watch/kinds.ts';
import type { RawObject } from '../watch/kinds.ts';
import type { Allocation, IpFamily, PooledService } from './address-pool.ts';

/** A condition of a Service. */
export interface ServiceCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

/** A Service as the pool needs it. */
export interface LivePooledService extends PooledService {
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly conditions: readonly ServiceCondition[];
}

interface ServiceFields {
  readonly spec?: { readonly type?: string; readonly loadBalancerClass?: string; readonly ipFamilies?: readonly IpFamily[] };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
    readonly conditions?: readonly ServiceCondition[];
  };
}

/** Null for a Service that does not use the pool. */
export function pooledService(namespace: string, name: string, object: RawObject): LivePooledService | null {
  const { spec = {}, status = {} } = object as ServiceFields;
  if (spec.type !== 'LoadBalancer' || spec.loadBalancerClass !== POOL_CLASS) return null;
  const { creationTimestamp, resourceVersion } = metadataOf(object);
  return {
    ...{ key: `${namespace}/${name}`, namespace, name },
    createdAt: String(creationTimestamp),
    resourceVersion: String(resourceVersion),
    families: spec.ipFamilies ?? ['IPv4'],
    asked: askedBy(object),
    has: (status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
    conditions: status.conditions ?? [],
  };
}

function askedBy(object: RawObject): string[] {
  const annotations = metadataOf(object)['annotations'] as Readonly<Record<string, string>> | undefined;
  const addresses = (annotations?.[ASKED_ADDRESSES] ?? '').split(',').map((address) => address.trim());
  return addresses.map((address) => (address === 'any' ? '' : address));
}

/** The status with the assigned addresses; null if the Service has it already. */
export function statusToWrite({ has, conditions }: LivePooledService, { addresses, obstacle }: Allocation): object | null {
  const before = conditions.find(({ type }) => type === ADDRESSES_ASSIGNED);
  const desired = obstacle === null ? { status: 'True', reason: 'Assigned', message: '' } : { status: 'False', ...obstacle };
  const isSaid = before?.status === desired.status && before.reason === desired.reason && before.message === desired.message;
  if (isSaid && has.join() === addresses.join()) return null;
  const lastTransitionTime = before?.status === desired.status ? before.lastTransitionTime : new Date().toISOString();
  const others = conditions.filter(({ type }) => type !== ADDRESSES_ASSIGNED);
  return {
    loadBalancer: { ingress: addresses.map((ip) => ({ ip, ipMode: 'VIP' })) },
    conditions: [...others, { type: ADDRESSES_ASSIGNED, ...desired, lastTransitionTime }],
  };
}
