// Everything that is in a cluster, by name: what an installation adds and what it leaves behind.
import type { Cluster } from '../cluster/cluster.ts';

/** What comes and goes by itself, whoever is there. */
const FLEETING = /^(events|events\.events\.k8s\.io|componentstatuses) |^leases\S* (kube-system|kube-node-lease)\//;
const COLUMNS = 'custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name';

/** `kind namespace/name` of every object of every kind, in order, without Events and what the cluster keeps for itself. */
export async function everything(cluster: Cluster): Promise<string[]> {
  const kinds = (await cluster.kubectl(['api-resources', '--verbs=list', '-o', 'name'])).trim().split('\n');
  const found: string[] = [];
  for (const kind of kinds) {
    const list = await cluster.kubectl(['get', kind, '-A', '--no-headers', '-o', COLUMNS]);
    const lines = list.split('\n').filter((line) => line !== '');
    found.push(...lines.map((line) => `${kind} ${line.trim().split(/\s+/).join('/')}`));
  }
  return found.filter((line) => !FLEETING.test(line)).sort();
}
