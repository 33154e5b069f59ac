// The ports at which the proxies of a Gateway are reached.
import type { Listener } from '#api/k8s/k8s.ts';
import type { FleetPort } from './result.ts';
import { isSupported } from './route-kinds.ts';

/** Those of listeners. One that cannot be served for now keeps its port: taking it from the Service would cut others. */
export function fleetPorts(listeners: readonly Listener[]): FleetPort[] {
  return listeners
    .filter(({ protocol }) => isSupported(protocol))
    .map(({ port, protocol }): FleetPort => ({ protocol: protocol === 'UDP' ? 'UDP' : 'TCP', port }));
}

/** In order, each once. */
export function sortedPorts(ports: readonly FleetPort[]): FleetPort[] {
  const unique = new Map(ports.map((port) => [`${port.protocol} ${port.port}`, port]));
  return [...unique.values()].sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}
