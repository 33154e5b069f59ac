// The connections of a use of a backend, divided by the workers of the proxy.
import type { ConnectionPlan } from '../../exchange/connection-terms.ts';

/** The terms of one of the workers: their limits for an endpoint add up to at least those of the proxy. */
export function connectionShare(plan: ConnectionPlan, workers: number): ConnectionPlan {
  const { maxConnections, maxPending } = plan;
  return {
    ...plan,
    ...(maxConnections === undefined ? {} : { maxConnections: Math.ceil(maxConnections / workers) }),
    ...(maxPending === undefined ? {} : { maxPending: Math.ceil(maxPending / workers) }),
  };
}
