// The names of all objects of a cluster: shows which ones an installation adds and leaves behind.
import type { Cluster } from '../cluster/cluster.ts';

/** Kinds whose objects come and go in any cluster. */
const FLEETING = /^(events|events\.events\.k8s\.io|componentstatuses) |^leases\S* (kube-system|kube-node-lease)\//;

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** `kind namespace/name` of every object, sorted, without Events and objects that the cluster itself maintains. */
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
