// The ports of the Service of a Gateway's proxies.
import type { Listener } from '#api/k8s/k8s.ts';
import type { FleetPort } from './result.ts';
import { isSupported } from './route-kinds.ts';

/** The ports of listeners. A listener that cannot be served keeps its port, since removing it would cut connections. */
export function fleetPorts(listeners: readonly Listener[]): FleetPort[] {
  return listeners
    .filter(({ protocol }) => isSupported(protocol))
    .map(({ port, protocol }): FleetPort => ({ protocol: protocol === 'UDP' ? 'UDP' : 'TCP', port }));
}

/** Sorted, without duplicates. */
export function sortedPorts(ports: readonly FleetPort[]): FleetPort[] {
  const unique = new Map(ports.map((port) => [`${port.protocol} ${port.port}`, port]));
  return [...unique.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}
