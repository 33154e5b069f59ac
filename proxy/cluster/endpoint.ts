// An address of a backend, with its pools and its state. All clusters and routes that use the address share it.
import type { ConnectListener, Transport, UpstreamEndpoint, UpstreamPool } from '../exchange/plan.ts';
import type { BackendCounts } from '../exchange/upstream-counts.ts';

/** Connections, those of them that are idle or count apart, and exchanges that wait for one. */
export interface PoolCounts {
  readonly open: number;
  readonly idle: number;
  readonly pending: number;
  readonly slow: number;
}

/** The pool of an endpoint as its owner sees it. */
export interface EndpointPool extends UpstreamPool {
  readonly counts: PoolCounts;
  /** Closes what is idle now, and what is in use as it becomes idle. */
  close(): void;
}

/** What a pool is told of the endpoint it is to lead to. */
export type PoolTarget = ConnectListener & Pick<UpstreamEndpoint, 'address' | 'port'>;

/** Makes a pool of connections to an endpoint. */
export type CreatePool = (endpoint: PoolTarget, transport: Transport) => EndpointPool;

/** How long an endpoint that takes no connection is left alone: doubled with every try that fails, up to the most. */
const AVOIDED_MS = 2_000;
const MAX_AVOIDED_MS = 60_000;

/** An address exchanges can be sent to. Lives as long as some cluster names the address. */
export class Endpoint implements UpstreamEndpoint {
  readonly address: string;
  readonly port: number;
  active = 0;
  /** Others are preferred until then, in the time of performance.now(), since connections to it fail; 0: they do not. */
  avoidedUntil = 0;
  /** Backends that it is an endpoint of: what becomes of its connections counts for all of them. */
  readonly backends = new Set<BackendCounts>();
  /** How many clusters name it. */
  references = 0;
  readonly #createPool: CreatePool;
  readonly #pools = new Map<Transport, EndpointPool>();
  /** The pair that was asked for last: most endpoints have one. */
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

  /** Connections that were tried at the same time fail at the same time: that is one try. */
  connectFailed(): void {
    const now = performance.now();
    for (const backend of this.backends) backend.connectFailed(this);
    if (now < this.avoidedUntil) return;
    this.#avoidedFor = Math.min(MAX_AVOIDED_MS, Math.max(AVOIDED_MS, 2 * this.#avoidedFor));
    this.avoidedUntil = now + this.#avoidedFor;
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
    const pool = this.#createPool(this, transport);
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
