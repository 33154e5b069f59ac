// One address of the fleet's backends: its pool and its state, shared by every cluster and route that uses it.
import type { UpstreamEndpoint, UpstreamPool } from '../exchange/plan.ts';

/** The pool of an endpoint as its owner sees it. */
export interface EndpointPool extends UpstreamPool {
  /** Connections, those of them that are idle, and exchanges that wait for one. */
  readonly counts: { readonly open: number; readonly idle: number; readonly pending: number };
  close(): void;
}

/** An address exchanges can be sent to. Lives as long as some cluster names the address. */
export class Endpoint implements UpstreamEndpoint {
  readonly address: string;
  readonly port: number;
  readonly pool: EndpointPool;
  active = 0;
  /** How many clusters name it. */
  references = 0;

  constructor(address: string, port: number, pool: EndpointPool) {
    this.address = address;
    this.port = port;
    this.pool = pool;
  }
}

/** Makes the pool of a new endpoint. */
export type CreatePool = (address: string, port: number) => EndpointPool;

/** Every endpoint by protocol, address and port, so that the same address has one pool and one health however many clusters name it. */
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
      endpoint = new Endpoint(address, port, this.#createPool(address, port));
      this.#endpoints.set(id, endpoint);
    }
    endpoint.references++;
    return endpoint;
  }

  /** Gives an endpoint back; with the last reference its idle connections close and those in use follow when they are done. */
  release(endpoint: Endpoint): void {
    endpoint.references--;
    if (endpoint.references > 0) return;
    this.#endpoints.delete(`${endpoint.address}|${endpoint.port}`);
    endpoint.pool.close();
  }
}
