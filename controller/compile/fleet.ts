// The fleet of a Gateway that has one to itself, and the addresses at which the Service of a fleet is reached.
import { isIP } from 'node:net';
import type { Gateway, Listener } from '#api/k8s/k8s.ts';
import type { ResolvedParameters } from './parameters.ts';
import type { DesiredFleet, FleetPort, StatusAddress } from './result.ts';
import { isSupported } from './route-kinds.ts';
import type { View } from './view.ts';

/** Null when other proxies serve the Gateway, or nothing can be served. `parameters` is null when they are not valid. */
export function fleetOf(gateway: Gateway, parameters: ResolvedParameters | null): DesiredFleet | null {
  if (parameters?.mode === 'Shared') return null;
  const { labels = {}, annotations = {} } = gateway.spec.infrastructure ?? {};
  const { listeners, addresses } = gateway.spec;
  const { uid = '' } = gateway.metadata;
  const ports = portsOf(listeners);
  if (ports.length === 0) return null;
  return {
    gateway: keyOf(gateway),
    uid,
    parameters: parameters?.spec ?? null,
    ports,
    labels,
    annotations,
    addresses: addresses.map(({ value }) => value),
  };
}

function keyOf({ metadata: { namespace = '', name } }: Gateway): string {
  return `${namespace}/${name}`;
}

/** In order, each once. A listener that cannot be served for now keeps its port: taking it from the Service would cut others. */
function portsOf(listeners: readonly Listener[]): FleetPort[] {
  const ports = listeners
    .filter(({ protocol }) => isSupported(protocol))
    .map(({ port, protocol }): FleetPort => ({ protocol: protocol === 'UDP' ? 'UDP' : 'TCP', port }));
  const unique = new Map(ports.map((port) => [`${port.protocol} ${port.port}`, port]));
  return [...unique.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

interface ServiceStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] };
}

/** Where the Service of a fleet is reached: what its load balancer says, or its own addresses where it has none. */
export function serviceAddresses(view: View, namespace: string, name: string): readonly StatusAddress[] {
  const service = view.object('Service', namespace, name);
  if (service === undefined) return [];
  if (service.spec.type !== 'LoadBalancer') return (service.spec.clusterIPs ?? []).filter((ip) => isIP(ip) !== 0).map(ipAddress);
  const ingress = ((service.status ?? {}) as ServiceStatus).loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, hostname }): StatusAddress[] => {
    if (ip !== undefined) return [ipAddress(ip)];
    return hostname === undefined ? [] : [{ type: 'Hostname', value: hostname }];
  });
}

function ipAddress(value: string): StatusAddress {
  return { type: 'IPAddress', value };
}
