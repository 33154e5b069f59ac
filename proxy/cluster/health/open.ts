// The circuit breaker of the endpoint is open: other endpoints are used.
import type { BreakerSettings } from '../breaker/breaker-settings.ts';
import type { EndpointHealth } from './endpoint-health.ts';

/** The health of endpoints by breakers with these settings. */
export function openBreakers(settings: BreakerSettings): EndpointHealth {
  return {
    reason: 'open',
    usable: (members) => members.filter(({ endpoint }) => endpoint.breakers.of(settings).passes),
  };
}
