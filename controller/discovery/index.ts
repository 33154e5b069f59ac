// The ordered list of the sources of endpoints outside Kubernetes.
import { consulEndpoints } from './consul/consul.ts';
import type { AddressGuard } from './destination.ts';
import { dnsEndpoints } from './dns/dns.ts';
import { natsEndpoints } from './nats/nats.ts';
import type { EndpointSource } from './source.ts';

/** Every source; the order has no effect. `guard`: the servers of sources to which the controller may connect. */
export function endpointSources(guard: AddressGuard): readonly EndpointSource[] {
  return [dnsEndpoints, consulEndpoints(guard), natsEndpoints(guard)].map((source) => source as EndpointSource);
}
