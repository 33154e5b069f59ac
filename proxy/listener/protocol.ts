// What a port speaks: all of its listeners must agree, for its first byte decides.
import type * as ir from '#api/ir/ir.ts';
import type { ListenerProblem } from './problem.ts';

export type PortProtocol = 'HTTP' | 'HTTPS';

/** What a listener asks of its port, or null when this proxy cannot serve it. */
export function speaks({ protocol, tls }: ir.Listener): PortProtocol | null {
  if (protocol === 'HTTP') return 'HTTP';
  return protocol === 'HTTPS' && tls?.mode !== 'Passthrough' ? 'HTTPS' : null;
}

/** The listeners a port serves, with what it speaks to them, and a problem for each of the others. */
export interface Agreement {
  readonly protocol: PortProtocol;
  readonly served: readonly ir.Listener[];
  readonly problems: readonly ListenerProblem[];
}

/**
 * Settles what a port speaks. What it speaks already stays as long as a listener wants it, so that a conflict takes nothing
 * down; a new port speaks what its first listener by key wants, so that all proxies decide alike.
 */
export function agree(listeners: readonly ir.Listener[], current: PortProtocol | null): Agreement {
  const byKey = listeners.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const wanted = byKey.map(speaks).filter((protocol) => protocol !== null);
  const protocol = current !== null && wanted.includes(current) ? current : (wanted[0] ?? 'HTTP');
  const winner = byKey.find((listener) => speaks(listener) === protocol)?.key ?? '';
  const problems = listeners
    .filter((listener) => speaks(listener) !== protocol)
    .map(({ key, port }): ListenerProblem => {
      return { listener: key, reason: 'ProtocolConflict', message: `port ${port} speaks ${protocol} for listener ${winner}` };
    });
  return { protocol, served: listeners.filter((listener) => speaks(listener) === protocol), problems };
}
