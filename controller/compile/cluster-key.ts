// Keys of clusters: `Service/<namespace>/<name>/<port>`, with `/udp` for a UDP port, or `Backend/<namespace>/<name>`.

/** The object that a cluster is compiled from. */
export type ClusterKey =
  | {
      readonly kind: 'Service';
      readonly namespace: string;
      readonly name: string;
      readonly port: number;
      readonly transport: 'TCP' | 'UDP';
    }
  | { readonly kind: 'Backend'; readonly namespace: string; readonly name: string };

/** The key as used in the IR. */
export function formatClusterKey(key: ClusterKey): string {
  const name = `${key.kind}/${key.namespace}/${key.name}`;
  if (key.kind === 'Backend') return name;
  return key.transport === 'UDP' ? `${name}/${key.port}/udp` : `${name}/${key.port}`;
}

/** Inverse of formatClusterKey. */
export function parseClusterKey(text: string): ClusterKey {
  const [kind, namespace = '', name = '', port = '', transport] = text.split('/');
  return kind === 'Backend'
    ? { kind, namespace, name }
    : { kind: 'Service', namespace, name, port: Number(port), transport: transport === 'udp' ? 'UDP' : 'TCP' };
}
