// Which listeners of one Gateway claim the same traffic. Of those that one object has, none wins; among objects the Gateway goes
// first, then its ListenerSets (GEP-1713).
import type { Listener } from '#api/k8s/k8s.ts';
import type { ListenerConflict } from './conditions.ts';
import { intersect } from './hostnames.ts';
import { isSupported } from './route-kinds.ts';

/** Protocols that can share a port, told apart by host name: cleartext by Host, TLS by SNI. */
const FAMILIES: ReadonlyMap<string, string> = new Map([
  ['HTTP', 'cleartext'],
  ['HTTPS', 'TLS'],
  ['TLS', 'TLS'],
  ['TCP', 'TCP'],
  ['UDP', 'UDP'],
]);

/** A listener with how it is spoken of. */
interface Claim {
  readonly listener: Listener;
  readonly words: string;
}

/** What is claimed of one port. Two claims of the same kind are enough to find one that is another's. */
interface ClaimedPort {
  readonly families: Map<string, Claim>;
  readonly hosts: Map<string, Claim[]>;
}

/** Listeners by what they claim. Answers in a few steps however many there are. */
export class ListenerClaims {
  readonly #ports = new Map<string, ClaimedPort>();

  /** `words` is how messages call it. A protocol that cannot be served claims nothing. */
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

  /** The conflict of a listener with any other that was added, or null. */
  conflictOf(listener: Listener): ListenerConflict | null {
    const port = isSupported(listener.protocol) ? this.#ports.get(portOf(listener)) : undefined;
    if (port === undefined) return null;
    const family = familyOf(listener);
    const stranger = [...port.families].find(([name]) => name !== family)?.[1];
    if (stranger !== undefined) {
      const message = `${stranger.words} speaks ${stranger.listener.protocol} on the same port ${listener.port}`;
      return { reason: 'ProtocolConflict', message };
    }
    const same = port.hosts.get(hostOf(listener))?.find((claim) => claim.listener !== listener);
    if (same === undefined) return null;
    const message = `${same.words} has the same port ${listener.port} and hostname ${JSON.stringify(same.listener.hostname)}`;
    return { reason: 'HostnameConflict', message };
  }
}

/** The conflicts of the listeners of one object among themselves. */
export function claimsAmong(listeners: readonly Listener[]): ListenerClaims {
  const claims = new ListenerClaims();
  for (const listener of listeners) claims.add(listener, `listener ${listener.name}`);
  return claims;
}

/** The TLS listeners on the same port whose host names overlap: clients that reuse connections may mix them up (RFC 9113, 9.1.1). */
export function overlappingTls(listener: Listener, others: readonly Listener[]): readonly Listener[] {
  if (familyOf(listener) !== 'TLS') return [];
  return others
    .filter((other) => other !== listener && other.port === listener.port && familyOf(other) === 'TLS')
    .filter((other) => other.hostname !== listener.hostname && intersect(other.hostname, listener.hostname) !== null);
}

function familyOf(listener: Listener): string {
  return FAMILIES.get(listener.protocol) ?? listener.protocol;
}

/** UDP ports are a number space of their own. */
function portOf({ protocol, port }: Listener): string {
  return protocol === 'UDP' ? `UDP ${port}` : String(port);
}

/** Connections without TLS and datagrams are not told apart by host. */
function hostOf(listener: Listener): string {
  return listener.protocol === 'TCP' || listener.protocol === 'UDP' ? '' : listener.hostname;
}
