// Everything that is in a cluster, by name: what an installation adds and what it leaves behind.
import type { Cluster } from '../cluster/cluster.ts';

/** What comes and goes by itself, whoever is there. */
const FLEETING = /^(events|events\.events\.k8s\.io|componentstatuses) |^leases\S* (kube-system|kube-node-lease)\//;

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** `kind namespace/name` of every object of every kind, in order, without Events and what the cluster keeps for itself. */
export async function everything(cluster: Cluster): Promise<string[]> {
  const kinds = await cluster.kinds();
  const found = await Promise.all(
    kinds.map(async (kind) => {
      const objects = await cluster.list<Named>(kind, '', '');
      return objects.map(({ metadata: { namespace = '', name } }) => `${kind} ${namespace}/${name}`);
    }),
  );
  return found
    .flat()
    .filter((line) => !FLEETING.test(line))
    .sort();
}
