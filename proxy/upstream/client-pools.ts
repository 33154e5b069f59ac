// The connections to one endpoint that begin by saying whose they are (PROXY protocol): none carries anything for another client
// connection than the one it was made for, so each of those has a pool of its own, within the limits of the endpoint.
import type { Exchange } from '../exchange/exchange.ts';
import type { DownstreamConnection } from '../exchange/exchange.ts';
import type { Limits } from '../exchange/limits.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import { Capacity } from './capacity.ts';
import type { PoolOptions } from './pool-options.ts';

/** The pool of one client. */
export interface ClientPool extends UpstreamPool {
  readonly counts: { readonly open: number; readonly idle: number; readonly pending: number };
  close(): void;
  /** Closes connections that carry nothing. False: there are none. */
  closeIdle(): boolean;
}

/** Makes the pool of a client. */
export type CreateClientPool = (client: DownstreamConnection, sharing: Pick<PoolOptions, 'capacity' | 'emptied'>) => ClientPool;

export class ClientPools implements UpstreamPool {
  readonly #create: CreateClientPool;
  /** Those that hold something. */
  readonly #pools = new Map<DownstreamConnection, ClientPool>();
  readonly #capacity: Capacity;
  #closed = false;

  constructor(create: CreateClientPool, limits: Limits) {
    this.#create = create;
    this.#capacity = new Capacity(limits, () => this.#makeRoom());
  }

  get counts(): ClientPool['counts'] {
    const sum = { open: 0, idle: 0, pending: 0 };
    for (const { counts } of this.#pools.values()) {
      sum.open += counts.open;
      sum.idle += counts.idle;
      sum.pending += counts.pending;
    }
    return sum;
  }

  send(exchange: Exchange): void {
    const client = exchange.connection;
    let pool = this.#pools.get(client);
    if (pool === undefined) {
      pool = this.#create(client, { capacity: this.#capacity, emptied: () => this.#forget(client) });
      this.#pools.set(client, pool);
      if (this.#closed) pool.close();
    }
    pool.send(exchange);
  }

  forget(exchange: Exchange): void {
    this.#pools.get(exchange.connection)?.forget(exchange);
  }

  /** Closes what is idle now, and what is in use as it becomes idle. */
  close(): void {
    this.#closed = true;
    for (const pool of this.#pools.values()) pool.close();
  }

  #forget(client: DownstreamConnection): void {
    this.#pools.get(client)?.close();
    this.#pools.delete(client);
  }

  /** A client that waits goes before one that may come again. The oldest first. */
  #makeRoom(): void {
    for (const pool of this.#pools.values()) if (pool.closeIdle()) return;
  }
}
