// The port of a Service that a backendRef means, and what the proxy must speak to it.
import type { Service, ServicePort } from '#api/k8s/k8s.ts';
import type { ClusterProtocol } from '#api/ir/ir.ts';

/** The port of that number; the one of that transport where a number is used for several. */
export function selectPort(service: Service, number: number, transport: 'TCP' | 'UDP'): ServicePort | undefined {
  const ports = service.spec.ports.filter((port) => port.port === number);
  return ports.find((port) => port.protocol === transport) ?? ports[0];
}

/** appProtocol values that need TLS to the backend, which is not done without a policy that says whom to trust. */
const NEEDS_TLS: ReadonlySet<string> = new Set(['https', 'kubernetes.io/wss']);

/**
 * What HTTP requests to the port are sent with (GEP-1911), or null when they cannot be: some need TLS, which a policy has to ask
 * for. Unknown values are hints for others.
 */
export function httpProtocol(port: ServicePort, secured: boolean): ClusterProtocol | null {
  if (port.protocol !== 'TCP') return null;
  if (port.appProtocol === 'kubernetes.io/h2c') return 'http2';
  return NEEDS_TLS.has(port.appProtocol ?? '') && !secured ? null : 'http1';
}
