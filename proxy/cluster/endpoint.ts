// An address of a backend, with its pools and its state. All clusters and routes that use the address share it.
import type { ConnectListener, Transport, UpstreamEndpoint, UpstreamPool } from '../exchange/plan.ts';
import type { BackendCounts } from '../exchange/upstream-counts.ts';

/** The number of connections, of those that are idle or count apart, and of waiting exchanges. */
export interface PoolCounts {
  readonly open: number;
  readonly idle: number;
  readonly pending: number;
  readonly slow: number;
}

/** The pool of an endpoint, as the endpoint uses it. */
export interface EndpointPool extends UpstreamPool {
  readonly counts: PoolCounts;
  /** Closes idle connections now, and busy ones when they become idle. */
  close(): void;
}

/** The information about its endpoint that a pool gets. */
export type PoolTarget = ConnectListener & Pick<UpstreamEndpoint, 'address' | 'port'>;

/** Creates a pool of connections to an endpoint. */
export type CreatePool = (endpoint: PoolTarget, transport: Transport) => EndpointPool;

/** The time for which an endpoint that refuses connections is avoided: doubled after each failure, up to the maximum. */
const AVOIDED_MS = 2_000;
const MAX_AVOIDED_MS = 60_000;

/** An address for exchanges. It exists as long as a cluster has the address. */
export class Endpoint implements UpstreamEndpoint {
  readonly address: string;
  readonly port: number;
  active = 0;
  /** Until this time (performance.now()) other endpoints are preferred, because connections to this one fail; 0: it is in use. */
  avoidedUntil = 0;
  /** The backends with this endpoint: the outcomes of its connections count for all of them. */
  readonly backends = new Set<BackendCounts>();
  /** The number of clusters with this address. */
  references = 0;
  readonly #createPool: CreatePool;
  readonly #pools = new Map<Transport, EndpointPool>();
  /** The last requested pair: most endpoints have only one. */
  #transport: Transport | null = null;
  #pool: EndpointPool | null = null;
  #avoidedFor = 0;

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

  connected(ms: number): void {
    this.avoidedUntil = 0;
    this.#avoidedFor = 0;
    for (const backend of this.backends) backend.connected(ms);
  }

  /** Connections that were started together fail together: that counts as one failure. */
  connectFailed(): void {
    const now = performance.now();
    for (const backend of this.backends) backend.connectFailed(this);
    if (now < this.avoidedUntil) return;
    this.#avoidedFor = Math.min(MAX_AVOIDED_MS, Math.max(AVOIDED_MS, 2 * this.#avoidedFor));
    this.avoidedUntil = now + this.#avoidedFor;
  }

  /** Closes idle connections now, and busy ones when they finish. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  /** A new transport may have replaced another: empty pools are removed. */
  #open(transport: Transport): EndpointPool {
    for (const [other, { counts }] of this.#pools) {
      if (counts.open === 0 && counts.pending === 0) this.#pools.delete(other);
    }
    const pool = this.#createPool(this, transport);
    this.#pools.set(transport, pool);
    return pool;
  }
}

/** All endpoints by address and port: an address has one state, regardless of the number of its clusters. */
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

  /** The endpoint of an address, created if it is new. Return it with `release`. */
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

  /** Returns an endpoint; after the last return its connections close as they become idle. */
  release(endpoint: Endpoint): void {
    endpoint.references--;
    if (endpoint.references > 0) return;
    this.#endpoints.delete(`${endpoint.address}|${endpoint.port}`);
    endpoint.close();
  }
}
