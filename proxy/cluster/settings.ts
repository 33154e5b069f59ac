// The settings of a use of a cluster: those of a BackendTrafficPolicy that need a state beyond one request.
import type { BalancerSettings } from './balancer/index.ts';
import type { HashKey } from './key-hash.ts';

/** Plain data: equal settings share a variant. */
export interface ClusterSettings {
  readonly balancer: BalancerSettings;
  /** The parts of the key of a request; none if the balancer does not hash. */
  readonly hashOn: readonly HashKey[];
}

/** Without a policy. */
export const STANDARD: ClusterSettings = Object.freeze({
  balancer: Object.freeze({ type: 'RoundRobin', boundedLoad: 0 }),
  hashOn: Object.freeze([]),
});
