// A Lease that ends soon, for tests about the first work of a leader that follows one that was killed.
import type { Cluster } from '../cluster/cluster.ts';

/** Shortens the Lease of a killed leader from fifteen seconds to one. */
export function hastenTakeover(cluster: Cluster): Promise<void> {
  return cluster.patch('lease', 'weir-controller', { spec: { leaseDurationSeconds: 1 } });
}
