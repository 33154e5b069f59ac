// Finds the port of a Service that a backendRef means, and the protocol for it.
import type { Service, ServicePort } from '#api/k8s/k8s.ts';
import type { ClusterProtocol } from '#api/ir/ir.ts';

/** The port with this number. If the number is used for several transports, the one of `transport`. */
export function selectPort({ spec }: Service, number: number, transport: 'TCP' | 'UDP'): ServicePort | undefined {
  // A Service of type ExternalName may have no ports: then each port is meant.
  if (spec.type === 'ExternalName' && spec.ports.length === 0) return { name: '', protocol: transport, port: number };
  const ports = spec.ports.filter((port) => port.port === number);
  return ports.find((port) => port.protocol === transport) ?? ports[0];
}

/** appProtocol values that require TLS to the backend, for which a policy must name the trusted authorities. */
const NEEDS_TLS: ReadonlySet<string> = new Set(['https', 'kubernetes.io/wss']);

/**
 * The protocol of HTTP requests to the port (GEP-1911). Null if they cannot be sent: the port requires TLS and no policy configures it.
 * Unknown values are ignored.
 */
export function httpProtocol(port: ServicePort, secured: boolean): ClusterProtocol | null {
  if (port.protocol !== 'TCP') return null;
  if (port.appProtocol === 'kubernetes.io/h2c') return 'http2';
  return NEEDS_TLS.has(port.appProtocol ?? '') && !secured ? null : 'http1';
}
