// What a cluster says of Weir when a test waits in vain.
import type { Cluster } from '../cluster/cluster.ts';

/** Gateways, and the pods of a namespace with their Events and the ends of their logs. */
export async function diagnosis(cluster: Cluster, namespace = 'weir-system'): Promise<string> {
  const ask = (...args: string[]) => cluster.kubectl([...args, '--namespace', namespace]).catch(String);
  const logs = ['controller', 'proxy'].map((part) =>
    ask('logs', `--selector=app.kubernetes.io/component=${part}`, '--tail=20', '--prefix'),
  );
  return (
    await Promise.all([
      cluster.kubectl(['get', 'gateways', '-A', '-o', 'yaml']),
      ask('get', 'pods', '-o', 'wide'),
      ask('get', 'events'),
      ...logs,
    ])
  ).join('\n');
}
