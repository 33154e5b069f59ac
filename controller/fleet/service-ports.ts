// The ports of a Service that several field managers write: Weir's current ports, and the desired ones.
import type { FleetPort } from '../compile/result.ts';
import { portName } from './deployment.ts';

/** An entry of spec.ports. */
export interface ServicePort extends FleetPort {
  readonly name: string;
  readonly targetPort: number | string;
}

/** The ports of others. Weir's own have the name from `portName`. */
export function othersIn(ports: readonly ServicePort[]): readonly ServicePort[] {
  return ports.filter((port) => port.name !== portName(port));
}

/** Weir's desired ports for these listeners: sorted, unique, without ports that others have already. */
export function sharedPorts(listeners: readonly FleetPort[], others: readonly FleetPort[]): ServicePort[] {
  const taken = new Set(others.map(portName));
  const ports = new Map(listeners.map(({ port, protocol }) => [portName({ port, protocol }), { port, protocol }]));
  return [...ports]
    .filter(([name]) => !taken.has(name))
    .map(([name, { port, protocol }]) => ({ name, port, protocol, targetPort: port }))
    .sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

/** Whether Weir's own ports of a Service are exactly these. */
export function isAsMade(actual: readonly ServicePort[], expected: readonly ServicePort[]): boolean {
  const ours = actual.filter((port) => port.name === portName(port));
  const byName = new Map(ours.map((port) => [port.name, port]));
  return ours.length === expected.length && expected.every(({ name, targetPort }) => byName.get(name)?.targetPort === targetPort);
}
