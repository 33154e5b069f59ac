// The condition of the GatewayClass about unreadable kinds.
import type { Cluster } from '../cluster/cluster.ts';
import type { Condition } from './control-plane.ts';

/** `True Reason: message` of the condition; '' if there is none. */
export async function readable(cluster: Cluster): Promise<string> {
  const { status } = (await cluster.object('gatewayclass', 'weir')) as { status?: { conditions?: readonly (Condition & Message)[] } };
  const found = status?.conditions?.find(({ type }) => type === 'gateway.weir.dev/ResourcesReadable');
  return found === undefined ? '' : `${found.status} ${found.reason}: ${found.message}`;
}

interface Message {
  readonly message: string;
}
