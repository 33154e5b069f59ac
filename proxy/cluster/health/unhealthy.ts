// The endpoint fails its active health check. An endpoint without a result counts as healthy.
import type { EndpointHealth } from './endpoint-health.ts';

/** `check`: the id of the check; null: there is none. */
export function unhealthy(check: () => string | null): EndpointHealth {
  return {
    reason: 'unhealthy',
    usable: (members) => {
      const id = check();
      return id === null ? members : members.filter(({ endpoint }) => !endpoint.unhealthy.has(id));
    },
  };
}
