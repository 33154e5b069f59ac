// The ordered list of the sources of endpoints outside Kubernetes.
import { consulEndpoints } from './consul/consul.ts';
import type { AddressGuard } from '#lib/destination.ts';
import { dnsEndpoints } from './dns/dns.ts';
import { natsEndpoints } from './nats/nats.ts';
import type { Registrations } from '../store/registrations.ts';
import { registeredEndpoints } from './registered.ts';
import type { EndpointSource } from './source.ts';

/** The parts of the program that sources need. */
export interface SourceParts {
  /** The servers of sources to which the controller may connect. */
  readonly guard: AddressGuard;
  readonly registrations: Registrations;
}

/** Every source; the order has no effect. */
export function endpointSources({ guard, registrations }: SourceParts): readonly EndpointSource[] {
  const sources = [dnsEndpoints(guard), consulEndpoints(guard), natsEndpoints(guard), registeredEndpoints(registrations)];
  return sources.map((source) => source as EndpointSource);
}
