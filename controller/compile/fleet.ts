// The fleet of a Gateway with dedicated proxies, and the addresses of its Service.
import { isIP } from 'node:net';
import type { Gateway, Service } from '#api/k8s/k8s.ts';
import { ADDRESSES_ASSIGNED } from './address-request.ts';
import { fleetPorts, sortedPorts } from './fleet-ports.ts';
import { gatewayFrameUnit } from './gateway-frame.ts';
import { listenerSetUnit } from './listener-set.ts';
import { gatewayParameters } from './parameters.ts';
import type { DesiredFleet, FleetPort, StatusAddress } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** Key: `<namespace>/<name>` of a Gateway. Yields no fleet if shared proxies serve the Gateway, or nothing can be served. */
export const fleetUnit: UnitKind<null> = {
  name: 'fleet',
  stage: 'attachable',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const gateway = view.object('Gateway', namespace, name);
    if (gateway === undefined || view.read(gatewayFrameUnit, key)?.ownFleet !== true) return valueOnly(null);
    const parameters = gatewayParameters(view, gateway);
    const { labels = {}, annotations = {} } = gateway.spec.infrastructure ?? {};
    const ports = portsOf(view, gateway);
    if (ports.length === 0) return valueOnly(null);
    const fleet: DesiredFleet = {
      gateway: key,
      uid: gateway.metadata.uid ?? '',
      parameters: parameters.ok ? parameters.value.spec : null,
      ports,
      labels,
      annotations,
      addresses: gateway.spec.addresses.filter(({ type }) => type === 'IPAddress').map(({ value }) => value),
    };
    return { ...valueOnly(null), fleet };
  },
};

/** The ports of the Gateway's own listeners and of its ListenerSets. */
function portsOf(view: View, gateway: Gateway): FleetPort[] {
  const { namespace = '', name } = gateway.metadata;
  const ofSets = view
    .list('listenerSetsByGateway', `${namespace}/${name}`)
    .flatMap(({ metadata }) => view.read(listenerSetUnit, `${metadata.namespace ?? ''}/${metadata.name}`)?.ports ?? []);
  return sortedPorts([...fleetPorts(gateway.spec.listeners), ...ofSets]);
}

interface ServiceStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
}

/** The addresses of a Service: those of its load balancer, or its cluster addresses if it has none. */
export function serviceAddresses(view: View, namespace: string, name: string): readonly StatusAddress[] {
  const service = view.object('Service', namespace, name);
  if (service === undefined) return [];
  if (service.spec.type !== 'LoadBalancer') return (service.spec.clusterIPs ?? []).filter((ip) => isIP(ip) !== 0).map(ipAddress);
  const ingress = statusOf(service).loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, hostname }): StatusAddress[] => {
    if (ip !== undefined) return [ipAddress(ip)];
    return hostname === undefined ? [] : [{ type: 'Hostname', value: hostname }];
  });
}

/** Why a Service has no addresses of the pool; null if it has them, or does not use the pool. */
export function poolObstacle(view: View, namespace: string, name: string): { readonly reason: string; readonly message: string } | null {
  const service = view.object('Service', namespace, name);
  const conditions = service === undefined ? [] : (statusOf(service).conditions ?? []);
  return conditions.find(({ type, status }) => type === ADDRESSES_ASSIGNED && status === 'False') ?? null;
}

function statusOf({ status }: Service): ServiceStatus {
  return (status ?? {}) as ServiceStatus;
}

function ipAddress(value: string): StatusAddress {
  return { type: 'IPAddress', value };
}
