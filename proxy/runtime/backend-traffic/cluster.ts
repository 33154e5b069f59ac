// The settings of a BackendTrafficPolicy that choose the variant of a cluster.
import { STANDARD } from '../../cluster/settings.ts';
import type { ClusterSettings } from '../../cluster/settings.ts';

/** One line per setting. All settings are written out, so that equal settings are equal texts. */
export function clusterSettings(): ClusterSettings {
  return { balancer: STANDARD.balancer };
}
