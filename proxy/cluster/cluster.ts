// A cluster at run time: the endpoints of one backend and the choice among them. It is the same object across runtimes, so changes of
// endpoints affect no route and keep connections.
import type * as ir from '#api/ir/ir.ts';
import type { ProxyProtocol, Transport, UpstreamCluster, UpstreamEndpoint, UpstreamTls } from '../exchange/plan.ts';
import type { StreamCluster } from '../exchange/stream-plan.ts';
import type { BackendCounts } from '../exchange/upstream-counts.ts';
import type { Endpoint, EndpointRegistry } from './endpoint.ts';
import { transportOf } from './transport.ts';

const PROTOCOLS: readonly Transport['protocol'][] = ['http1', 'http2', 'tcp'];
const NONE: readonly Endpoint[] = Object.freeze([]);

/** Round robin over the endpoints that accept new exchanges and connections; draining endpoints only if no others are left. */
export class Cluster implements UpstreamCluster, StreamCluster {
  readonly key: string;
  readonly counts: BackendCounts;
  transport = transportOf({ protocol: 'http1', proxyProtocol: 0, tls: null });
  /** The same backend with other transports, by `place`. */
  #variants: Transport[] = [];
  readonly #registry: EndpointRegistry;
  /** All endpoints held in the registry. */
  #held: readonly Endpoint[] = NONE;
  /** The endpoints to choose from. */
  #candidates: readonly Endpoint[] = NONE;
  #next = 0;

  constructor(key: string, registry: EndpointRegistry, counts: BackendCounts) {
    this.key = key;
    this.counts = counts;
    this.#registry = registry;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#held;
  }

  /** Sets the transport to its endpoints. */
  configure({ protocol }: ir.Cluster, tls: UpstreamTls | null): void {
    this.transport = transportOf({ protocol: protocol === 'http2' ? protocol : 'http1', proxyProtocol: 0, tls });
    this.#variants = [];
  }

  transportIn(protocol: Transport['protocol'] | null, proxyProtocol: ProxyProtocol): Transport {
    const wanted = protocol ?? this.transport.protocol;
    const place = proxyProtocol * PROTOCOLS.length + PROTOCOLS.indexOf(wanted);
    return (this.#variants[place] ??= transportOf({ protocol: wanted, proxyProtocol, tls: this.transport.tls }));
  }

  /** Sets a new list of endpoints. Addresses that stay keep their pools. */
  update(endpoints: readonly ir.Endpoint[]): void {
    const held = endpoints.map((endpoint) => this.#registry.acquire(endpoint.address, endpoint.port));
    const serving = held.filter((_, index) => endpoints[index]?.draining === false);
    const previous = this.#held;
    this.#held = Object.freeze(held);
    this.#candidates = serving.length > 0 ? Object.freeze(serving) : this.#held;
    this.#count(previous);
    for (const endpoint of previous) this.#registry.release(endpoint);
    // Starts at a random endpoint: proxies that get the same endpoints at the same time must not all start with the first.
    this.#next = Math.floor(Math.random() * Math.max(1, this.#candidates.length));
  }

  /** Counts the outcomes of its current endpoints here, and stops counting those of removed endpoints. */
  #count(previous: readonly Endpoint[]): void {
    const held = new Set(this.#held);
    for (const endpoint of previous) if (!held.has(endpoint)) endpoint.backends.delete(this.counts);
    for (const endpoint of held) endpoint.backends.add(this.counts);
    this.counts.keep(held);
  }

  pick(tried: readonly UpstreamEndpoint[]): Endpoint | null {
    const count = this.#candidates.length;
    if (count === 0) return null;
    if (tried.length > 0) return this.#instead(tried);
    const first = this.#advance();
    if (first.avoidedUntil === 0) return first;
    const now = performance.now();
    // The turns of excluded endpoints rotate among the others.
    for (let i = 1, endpoint = first; i <= count; i++, endpoint = this.#advance()) if (endpoint.avoidedUntil <= now) return endpoint;
    return first;
  }

  /** For another attempt: the rotation does not advance, so that a failure of one exchange does not affect others. */
  #instead(tried: readonly UpstreamEndpoint[]): Endpoint {
    const now = performance.now();
    const inTurn = this.#candidates.map((_, index) => this.#at(this.#next + index));
    const untried = inTurn.filter((endpoint) => !tried.includes(endpoint));
    return untried.find(({ avoidedUntil }) => avoidedUntil <= now) ?? untried[0] ?? (inTurn[0] as Endpoint);
  }

  #advance(): Endpoint {
    const endpoint = this.#at(this.#next);
    this.#next = (this.#next + 1) % this.#candidates.length;
    return endpoint;
  }

  #at(index: number): Endpoint {
    return this.#candidates[index % this.#candidates.length] as Endpoint;
  }
}
