// What tests need not wait for that ask what a leader does first: the end of the Lease of one that was killed.
import type { Cluster } from '../cluster/cluster.ts';

/** Lets the Lease that nobody renews any more run out after a second instead of fifteen. */
export function hastenTakeover(cluster: Cluster): Promise<void> {
  return cluster.patch('lease', 'weir-controller', { spec: { leaseDurationSeconds: 1 } });
}
