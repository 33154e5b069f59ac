// The protocol of a port. All of its listeners must agree, because the first byte decides, and no two may claim the same connections.
import { isDeepStrictEqual } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import type { ListenerProblem } from './problem.ts';

/** TLS: the server name decides whether a connection is terminated, for requests or as a stream, or passed through. */
export type PortProtocol = 'HTTP' | 'TLS' | 'TCP';

/** The protocol that a listener requires of its port, or null if this proxy cannot serve it. */
export function speaks({ protocol, tls }: ir.Listener): PortProtocol | null {
  switch (protocol) {
    case 'HTTP':
    case 'TCP':
      return protocol;
    case 'HTTPS':
      return tls?.mode === 'Passthrough' ? null : 'TLS';
    case 'TLS':
      return tls === null ? null : 'TLS';
    case 'UDP':
      return null;
  }
}

/** The handling of a connection on a TLS port by its listener. */
export type TlsUse = 'requests' | 'stream' | 'passthrough';

export function tlsUse({ protocol, tls }: ir.Listener): TlsUse {
  if (tls?.mode === 'Passthrough') return 'passthrough';
  return protocol === 'TLS' ? 'stream' : 'requests';
}

/** The listeners that a port serves, its protocol, and a problem for each listener that it cannot serve. */
export interface Agreement {
  readonly protocol: PortProtocol;
  readonly served: readonly ir.Listener[];
  /** The other listeners. They keep their host names. */
  readonly unserved: readonly ir.Listener[];
  readonly problems: readonly ListenerProblem[];
}

/**
 * Decides the protocol of a port. The current protocol stays as long as a listener needs it, so that a conflict breaks nothing; a new port
 * has the protocol of its first listener by key, so that all proxies decide the same.
 */
export function agree(all: readonly ir.Listener[], current: PortProtocol | null): Agreement {
  const listeners = all.filter(({ unserved }) => unserved === undefined);
  const byKey = listeners.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const wanted = byKey.map(speaks).filter((protocol) => protocol !== null);
  const protocol = current !== null && wanted.includes(current) ? current : (wanted[0] ?? 'HTTP');
  const agreeing = byKey.filter((listener) => speaks(listener) === protocol);
  const winner = agreeing[0]?.key ?? '';
  const winners = new Map<string, ir.Listener>();
  for (const listener of agreeing) if (!winners.has(claimOf(listener))) winners.set(claimOf(listener), listener);
  const conflictOf = (listener: ir.Listener): string | null => {
    if (speaks(listener) !== protocol) return `port ${listener.port} speaks ${protocol} for listener ${winner}`;
    const owner = winners.get(claimOf(listener)) ?? listener;
    if (!isAlike(owner, listener)) return `listener ${owner.key} has the same connections of port ${listener.port}`;
    return agreesAlike(owner, listener) ? null : `listener ${owner.key} has the same host name and other terms for handshakes`;
  };
  const conflicts = new Map(
    listeners.flatMap((listener) => {
      const message = conflictOf(listener);
      return message === null ? [] : [[listener.key, message] as const];
    }),
  );
  return {
    protocol,
    served: listeners.filter(({ key }) => !conflicts.has(key)),
    unserved: all.flatMap((listener) => {
      const unserved = listener.unserved ?? conflicts.get(listener.key);
      return unserved === undefined ? [] : [{ ...listener, unserved }];
    }),
    problems: [...conflicts].map(([listener, message]) => ({ listener, reason: 'ProtocolConflict', message })),
  };
}

/** Equal for listeners that claim the same connections: without a handshake, all listeners of the port. */
function claimOf({ protocol, hostname }: ir.Listener): string {
  return protocol === 'TCP' ? '' : hostname;
}

/** Requests of one connection can be told apart, and so can TLS streams by server name; plain TCP has no such name. */
function isAlike(owner: ir.Listener, other: ir.Listener): boolean {
  if (owner.protocol === 'TCP') return owner.key === other.key;
  return owner.protocol === 'HTTP' || tlsUse(owner) === tlsUse(other);
}

/** One handshake cannot serve both, and a client accepted by the terms of one must not reach the other. */
function agreesAlike(owner: ir.Listener, other: ir.Listener): boolean {
  const [a, b] = [owner.tls, other.tls];
  return isDeepStrictEqual([a?.clientValidation, a?.settings], [b?.clientValidation, b?.settings]);
}
