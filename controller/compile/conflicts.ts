// Conflicts between listeners of one Gateway. Within one object, all conflicting listeners lose. Between objects, the Gateway takes
// precedence, then its ListenerSets in order (GEP-1713).
import type { Listener } from '#api/k8s/k8s.ts';
import type { ListenerConflict } from './conditions.ts';
import { intersect } from './hostnames.ts';
import { isSupported } from './route-kinds.ts';

/** Protocols that can share a port, distinguished by host name: cleartext by Host, TLS by SNI. */
const FAMILIES: ReadonlyMap<string, string> = new Map([
  ['HTTP', 'cleartext'],
  ['HTTPS', 'TLS'],
  ['TLS', 'TLS'],
  ['TCP', 'TCP'],
  ['UDP', 'UDP'],
]);

/** A listener and its name in messages. */
interface Claim {
  readonly listener: Listener;
  readonly words: string;
}

/** The claims to one port. Two of the same kind are enough to find one that belongs to another listener. */
interface ClaimedPort {
  readonly families: Map<string, Claim>;
  readonly hosts: Map<string, Claim[]>;
}

/** Claims of listeners. The cost of a lookup does not depend on their number. */
export class ListenerClaims {
  readonly #ports = new Map<string, ClaimedPort>();

  /** `words`: the name of the listener in messages. A listener of an unsupported protocol claims nothing. */
  add(listener: Listener, words: string): void {
    if (!isSupported(listener.protocol)) return;
    const key = portOf(listener);
    const port = this.#ports.get(key) ?? { families: new Map<string, Claim>(), hosts: new Map<string, Claim[]>() };
    this.#ports.set(key, port);
    const claim = { listener, words };
    const family = familyOf(listener);
    if (!port.families.has(family)) port.families.set(family, claim);
    const host = hostOf(listener);
    const same = port.hosts.get(host);
    if (same === undefined) port.hosts.set(host, [claim]);
    else if (same.length < 2) same.push(claim);
  }

  /** The conflict of a listener with any other listener added before; null if there is none. */
  conflictOf(listener: Listener): ListenerConflict | null {
    const port = isSupported(listener.protocol) ? this.#ports.get(portOf(listener)) : undefined;
    if (port === undefined) return null;
    const family = familyOf(listener);
    const stranger = [...port.families].find(([name]) => name !== family)?.[1];
    if (stranger !== undefined) {
      const message = `${stranger.words} has protocol ${stranger.listener.protocol} on the same port ${listener.port}`;
      return { reason: 'ProtocolConflict', message };
    }
    const same = port.hosts.get(hostOf(listener))?.find((claim) => claim.listener !== listener);
    if (same === undefined) return null;
    const message = `${same.words} has the same port ${listener.port} and hostname ${JSON.stringify(same.listener.hostname)}`;
    return { reason: 'HostnameConflict', message };
  }
}

/** The claims of the listeners of one object. */
export function claimsAmong(listeners: readonly Listener[]): ListenerClaims {
  const claims = new ListenerClaims();
  for (const listener of listeners) claims.add(listener, `listener ${listener.name}`);
  return claims;
}

/** TLS listeners on the same port with overlapping host names: clients may reuse connections between them (RFC 9113, 9.1.1). */
export function overlappingTls(listener: Listener, others: readonly Listener[]): readonly Listener[] {
  if (familyOf(listener) !== 'TLS') return [];
  return others
    .filter((other) => other !== listener && other.port === listener.port && familyOf(other) === 'TLS')
    .filter((other) => other.hostname !== listener.hostname && intersect(other.hostname, listener.hostname) !== null);
}

function familyOf(listener: Listener): string {
  return FAMILIES.get(listener.protocol) ?? listener.protocol;
}

/** UDP ports are separate from TCP ports. */
function portOf({ protocol, port }: Listener): string {
  return protocol === 'UDP' ? `UDP ${port}` : String(port);
}

/** The host does not distinguish connections without TLS, nor datagrams. */
function hostOf(listener: Listener): string {
  return listener.protocol === 'TCP' || listener.protocol === 'UDP' ? '' : listener.hostname;
}
