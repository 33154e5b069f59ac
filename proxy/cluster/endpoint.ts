// One address of the fleet's backends: its pools and its state, shared by every cluster and route that uses it.
import type { Transport, UpstreamEndpoint, UpstreamPool } from '../exchange/plan.ts';

/** Connections, those of them that are idle, and exchanges that wait for one. */
export interface PoolCounts {
  readonly open: number;
  readonly idle: number;
  readonly pending: number;
}

/** The pool of an endpoint as its owner sees it. */
export interface EndpointPool extends UpstreamPool {
  readonly counts: PoolCounts;
  /** Closes what is idle now, and what is in use as it becomes idle. */
  close(): void;
}

/** Makes a pool of connections to an address. */
export type CreatePool = (address: string, port: number, transport: Transport) => EndpointPool;

/** An address exchanges can be sent to. Lives as long as some cluster names the address. */
export class Endpoint implements UpstreamEndpoint {
  readonly address: string;
  readonly port: number;
  active = 0;
  /** How many clusters name it. */
  references = 0;
  readonly #createPool: CreatePool;
  readonly #pools = new Map<Transport, EndpointPool>();
  /** The pair that was asked for last: most endpoints have one. */
  #transport: Transport | null = null;
  #pool: EndpointPool | null = null;

  constructor(address: string, port: number, createPool: CreatePool) {
    this.address = address;
    this.port = port;
    this.#createPool = createPool;
  }

  get counts(): readonly PoolCounts[] {
    return Array.from(this.#pools.values(), (pool) => pool.counts);
  }

  pool(transport: Transport): EndpointPool {
    if (this.#transport !== transport || this.#pool === null) {
      this.#transport = transport;
      this.#pool = this.#pools.get(transport) ?? this.#open(transport);
    }
    return this.#pool;
  }

  /** Idle connections close, those in use follow when they are done. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  /** A new way to speak to it may have taken the place of another: pools that nothing is left of are forgotten. */
  #open(transport: Transport): EndpointPool {
    for (const [other, { counts }] of this.#pools) {
      if (counts.open === 0 && counts.pending === 0) this.#pools.delete(other);
    }
    const pool = this.#createPool(this.address, this.port, transport);
    this.#pools.set(transport, pool);
    return pool;
  }
}

/** Every endpoint by address and port, so that the same address has one state however many clusters name it. */
export class EndpointRegistry {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #createPool: CreatePool;

  constructor(createPool: CreatePool) {
    this.#createPool = createPool;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  /** All endpoints, for metrics and dumps. */
  values(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  /** The endpoint of an address, made when it is new. Give it back with `release`. */
  acquire(address: string, port: number): Endpoint {
    const id = `${address}|${port}`;
    let endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) {
      endpoint = new Endpoint(address, port, this.#createPool);
      this.#endpoints.set(id, endpoint);
    }
    endpoint.references++;
    return endpoint;
  }

  /** Gives an endpoint back; with the last reference its connections close as they become idle. */
  release(endpoint: Endpoint): void {
    endpoint.references--;
    if (endpoint.references > 0) return;
    this.#endpoints.delete(`${endpoint.address}|${endpoint.port}`);
    endpoint.close();
  }
}
