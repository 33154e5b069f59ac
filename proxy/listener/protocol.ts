// What a port speaks: all of its listeners must agree, for its first byte decides; and no two may claim the same connections.
import { isDeepStrictEqual } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import type { ListenerProblem } from './problem.ts';

/** TLS: by the server name a connection is terminated, for requests or as a stream, or passed through. */
export type PortProtocol = 'HTTP' | 'TLS' | 'TCP';

/** What a listener asks of its port, or null when this proxy cannot serve it. */
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

/** What becomes of a connection that a listener of a TLS port gets. */
export type TlsUse = 'requests' | 'stream' | 'passthrough';

export function tlsUse({ protocol, tls }: ir.Listener): TlsUse {
  if (tls?.mode === 'Passthrough') return 'passthrough';
  return protocol === 'TLS' ? 'stream' : 'requests';
}

/** The listeners a port serves, with what it speaks to them, and a problem for each that it cannot serve. */
export interface Agreement {
  readonly protocol: PortProtocol;
  readonly served: readonly ir.Listener[];
  /** The others. Their host names are theirs all the same. */
  readonly unserved: readonly ir.Listener[];
  readonly problems: readonly ListenerProblem[];
}

/**
 * Settles what a port speaks. What it speaks already stays as long as a listener wants it, so that a conflict takes nothing
 * down; a new port speaks what its first listener by key wants, so that all proxies decide alike.
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

/** Equal for listeners that want the same connections: without a handshake, all those of the port. */
function claimOf({ protocol, hostname }: ir.Listener): string {
  return protocol === 'TCP' ? '' : hostname;
}

/** Requests of one connection can be told apart, and so can streams by what they ask for; plain TCP asks for nothing. */
function isAlike(owner: ir.Listener, other: ir.Listener): boolean {
  if (owner.protocol === 'TCP') return owner.key === other.key;
  return owner.protocol === 'HTTP' || tlsUse(owner) === tlsUse(other);
}

/** One handshake cannot do for both, and who was let in on the terms of one must not reach the other. */
function agreesAlike(owner: ir.Listener, other: ir.Listener): boolean {
  const [a, b] = [owner.tls, other.tls];
  return isDeepStrictEqual([a?.clientValidation, a?.settings], [b?.clientValidation, b?.settings]);
}
