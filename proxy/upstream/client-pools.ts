// The connections to one endpoint that begin by saying whose they are (PROXY protocol): none carries anything for another client
// than the one it was made for, so each of those has a pool of its own, within the limits of the endpoint. A client is a connection,
// or an address that trusted proxies tell of, whose requests may come on any of theirs.
import type { Attempt } from '../exchange/attempt.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { Limits } from '../exchange/limits.ts';
import type { UpstreamPool } from '../exchange/plan.ts';
import { Capacity } from './capacity.ts';
import type { PoolOptions } from './pool-options.ts';

/** Whose connections a pool has. */
export interface PooledClient {
  readonly remoteAddress: string;
  /** 0: it was not told. */
  readonly remotePort: number;
  /** Where it came in. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Of the handshake, '' without one. */
  readonly serverName: string;
}

/** The pool of one client. */
export interface ClientPool extends UpstreamPool {
  readonly counts: { readonly open: number; readonly idle: number; readonly pending: number };
  close(): void;
  /** Closes connections that carry nothing. False: there are none. */
  closeIdle(): boolean;
}

/** Makes the pool of a client. */
export type CreateClientPool = (client: PooledClient, sharing: Pick<PoolOptions, 'capacity' | 'emptied'>) => ClientPool;

export class ClientPools implements UpstreamPool {
  readonly #create: CreateClientPool;
  /** Those that hold something. */
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

  /** Closes what is idle now, and what is in use as it becomes idle. */
  close(): void {
    this.#closed = true;
    for (const pool of this.#pools.values()) pool.close();
  }

  /** Room may be offered to a pool after it was forgotten: what its client has by then is another. */
  #forget(key: ClientKey, pool: ClientPool): void {
    if (this.#pools.get(key) !== pool) return;
    pool.close();
    this.#pools.delete(key);
  }

  /** A client that waits goes before one that may come again. The oldest first. */
  #makeRoom(): void {
    for (const pool of this.#pools.values()) if (pool.closeIdle()) return;
  }
}

type ClientKey = Exchange['connection'] | string;

/** Of a client that a proxy tells of, everything that its connections say of it. */
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
