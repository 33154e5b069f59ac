// Which listeners of one Gateway claim the same traffic. The Gateway API wants none of them to win.
import type { Listener } from '#api/k8s/k8s.ts';
import type { ListenerConflict } from './conditions.ts';
import { intersect } from './hostnames.ts';

/** Protocols that can share a port, told apart by host name: cleartext by Host, TLS by SNI. */
const FAMILIES: ReadonlyMap<string, string> = new Map([
  ['HTTP', 'cleartext'],
  ['HTTPS', 'TLS'],
  ['TLS', 'TLS'],
  ['TCP', 'TCP'],
  ['UDP', 'UDP'],
]);

/** The conflict of `listener` with any of the others, or null. Protocols that cannot be served are not to be passed in. */
export function findConflict(listener: Listener, others: readonly Listener[]): ListenerConflict | null {
  const family = familyOf(listener);
  for (const other of others) {
    if (other === listener || other.port !== listener.port || isUdp(other) !== isUdp(listener)) continue;
    if (familyOf(other) !== family) {
      const message = `listener ${other.name} speaks ${other.protocol} on the same port ${other.port}`;
      return { reason: 'ProtocolConflict', message };
    }
    if (other.hostname === listener.hostname || family === 'TCP' || family === 'UDP') {
      const message = `listener ${other.name} has the same port ${other.port} and hostname ${JSON.stringify(other.hostname)}`;
      return { reason: 'HostnameConflict', message };
    }
  }
  return null;
}

/** Names of the TLS listeners on the same port whose host names overlap: clients that reuse connections may mix them up (RFC 9113, 9.1.1). */
export function overlappingTls(listener: Listener, others: readonly Listener[]): readonly string[] {
  if (familyOf(listener) !== 'TLS') return [];
  return others
    .filter((other) => other !== listener && other.port === listener.port && familyOf(other) === 'TLS')
    .filter((other) => other.hostname !== listener.hostname && intersect(other.hostname, listener.hostname) !== null)
    .map((other) => other.name);
}

function familyOf(listener: Listener): string {
  return FAMILIES.get(listener.protocol) ?? listener.protocol;
}

/** UDP ports are a number space of their own. */
function isUdp(listener: Listener): boolean {
  return listener.protocol === 'UDP';
}
