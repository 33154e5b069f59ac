// The ordered list of the sources of endpoints outside Kubernetes.
import { dnsEndpoints } from './dns/dns.ts';
import type { EndpointSource } from './source.ts';

/** Every source; the order has no effect. */
export function endpointSources(): readonly EndpointSource[] {
  return [dnsEndpoints as EndpointSource];
}
