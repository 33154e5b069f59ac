// A short Lease for tests about a new leader after its predecessor was killed.
import type { Cluster } from '../cluster/cluster.ts';

/** Shortens the Lease of a killed leader from fifteen seconds to one. */
export function hastenTakeover(cluster: Cluster): Promise<void> {
  return cluster.patch('lease', 'weir-controller', { spec: { leaseDurationSeconds: 1 } });
}
