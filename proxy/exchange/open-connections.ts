// The exchanges of a worker that go on after their heads: WebSockets, other tunnels, and streams of events.
import { randomBytes } from 'node:crypto';
import type { Exchange } from './exchange.ts';

/** `hub-websocket` and `hub-events` end at a hub of the proxy, `events` come from a backend; `tunnel`: any other protocol. */
export type ConnectionKind = 'websocket' | 'tunnel' | 'events' | 'hub-websocket' | 'hub-events';

export interface OpenConnection {
  /** Unique among all proxies. */
  readonly id: string;
  readonly kind: ConnectionKind;
  readonly exchange: Exchange;
  /** As Date.now(). */
  readonly since: number;
}

export class OpenConnections {
  readonly #open = new Map<Exchange, OpenConnection>();
  /** Of this worker. */
  readonly #mark = randomBytes(5).toString('hex');
  #count = 0;

  /** No effect for one that is over, and for copies, whose ends are not recorded. */
  begin(exchange: Exchange): void {
    if (exchange.phase === 'done' || exchange.shadow) return;
    exchange.isListed = true;
    this.#open.set(exchange, {
      ...{ id: `${this.#mark}-${(this.#count++).toString(36)}`, kind: kindOf(exchange) },
      ...{ exchange, since: Date.now() },
    });
  }

  ended(exchange: Exchange): void {
    this.#open.delete(exchange);
  }

  /** The oldest first. */
  all(): IterableIterator<OpenConnection> {
    return this.#open.values();
  }
}

function kindOf({ tunnel, upgrade, localStream }: Exchange): ConnectionKind {
  if (localStream !== null) return tunnel ? 'hub-websocket' : 'hub-events';
  if (!tunnel) return 'events';
  return upgrade === 'websocket' ? 'websocket' : 'tunnel';
}
