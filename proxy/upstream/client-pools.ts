// The connections to one endpoint that start with a header of the PROXY protocol. A connection carries only exchanges of the client in its
// header, so each client has its own pool, within the limits of the endpoint. A client is a connection, or an address from a trusted proxy,
// whose requests may arrive on any connection of that proxy.
import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../exchange/limits.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import { Capacity } from './capacity.ts';
import type { PoolOptions } from './pool-options.ts';

/** The client of a pool. */
export interface PooledClient {
  readonly remoteAddress: string;
  /** 0: unknown. */
  readonly remotePort: number;
  /** The destination of its connection. */
  readonly localAddress: string;
  readonly localPort: number;
  /** The server name of the handshake, '' without one. */
  readonly serverName: string;
}

/** The pool of one client. */
export interface ClientPool extends UpstreamPool {
  readonly counts: { readonly open: number; readonly idle: number; readonly pending: number };
  close(): void;
  /** Closes idle connections. False: there are none. */
  closeIdle(): boolean;
}

/** Creates the pool of a client. */
export type CreateClientPool = (client: PooledClient, sharing: Pick<PoolOptions, 'capacity' | 'emptied'>) => ClientPool;

export class ClientPools implements UpstreamPool {
  readonly #create: CreateClientPool;
  /** Pools with connections or exchanges. */
  readonly #pools = new Map<ClientKey, ClientPool>();
  readonly #capacity: Capacity;
  #closed = false;

  constructor(create: CreateClientPool, limits: Limits, wheel: TimerWheel) {
    this.#create = create;
    this.#capacity = new Capacity(limits, wheel, () => this.#makeRoom());
  }

  get counts(): ClientPool['counts'] & { readonly slow: number } {
    const sum = { open: 0, idle: 0, pending: 0, slow: this.#capacity.aside };
    for (const { counts } of this.#pools.values()) {
      sum.open += counts.open;
      sum.idle += counts.idle;
      sum.pending += counts.pending;
    }
    return sum;
  }

  send(attempt: Attempt): void {
    const { exchange } = attempt;
    const key = keyOf(exchange);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const created = this.#create(clientOf(exchange), { capacity: this.#capacity, emptied: () => this.#forget(key, created) });
      pool = created;
      this.#pools.set(key, pool);
      if (this.#closed) pool.close();
    }
    pool.send(attempt);
  }

  forget(attempt: Attempt): void {
    this.#pools.get(keyOf(attempt.exchange))?.forget(attempt);
  }

  /** Closes idle connections now, and busy ones when they become idle. */
  close(): void {
    this.#closed = true;
    for (const pool of this.#pools.values()) pool.close();
  }

  /** A pool may get room after it was removed: its client has another pool by then. */
  #forget(key: ClientKey, pool: ClientPool): void {
    if (this.#pools.get(key) !== pool) return;
    pool.close();
    this.#pools.delete(key);
  }

  /** A waiting client comes before one that may come again; the oldest first. */
  #makeRoom(): void {
    for (const pool of this.#pools.values()) if (pool.closeIdle()) return;
  }
}

type ClientKey = Exchange['connection'] | string;

/** For a client from a trusted proxy: all facts in the header, so that equal headers share a pool. */
function keyOf({ client, connection }: Exchange): ClientKey {
  if (client === null || client.address === connection.remoteAddress) return connection;
  return `${client.address} ${connection.localAddress} ${connection.localPort} ${connection.tls?.serverName ?? ''}`;
}

function clientOf({ connection, clientAddress }: Exchange): PooledClient {
  const { remoteAddress, remotePort, localAddress, localPort, tls } = connection;
  const isPeer = clientAddress === remoteAddress;
  const client = { remoteAddress: clientAddress, remotePort: isPeer ? remotePort : 0, localAddress, localPort };
  return { ...client, serverName: tls?.serverName ?? '' };
}
