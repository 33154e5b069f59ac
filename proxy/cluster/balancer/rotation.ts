// Round robin without weights: each endpoint takes its turn. A pick is one step in an array.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';

/** Endpoints that may inherit a turn, so that an update of thousands of endpoints stays cheap. */
const MAX_SUCCESSORS = 8;

export class Rotation implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  /** The index of the endpoint with the next turn. */
  #next = 0;

  /**
   * The turn stays with its endpoint, or goes to one of the next if that stays. Otherwise it is random, as the first one: proxies that get the
   * same endpoints at the same time must not all start with the first.
   */
  update(candidates: readonly Candidate[]): void {
    const previous = this.#endpoints;
    this.#endpoints = candidates.map(({ endpoint }) => endpoint);
    let next = -1;
    for (let i = 0; i < Math.min(MAX_SUCCESSORS, previous.length) && next < 0; i++) {
      next = this.#endpoints.indexOf(previous[(this.#next + i) % previous.length] as Endpoint);
    }
    this.#next = next < 0 ? Math.floor(Math.random() * candidates.length) : next;
  }

  pick(_hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    if (tried.length > 0) return this.#instead(tried);
    const endpoint = this.#endpoints[this.#next] as Endpoint;
    this.#next = this.#next + 1 === this.#endpoints.length ? 0 : this.#next + 1;
    return endpoint;
  }

  /** For another attempt: the rotation does not advance, so that a failure of one exchange does not affect others. */
  #instead(tried: readonly UpstreamEndpoint[]): Endpoint {
    const count = this.#endpoints.length;
    for (let i = 0; i < count; i++) {
      const endpoint = this.#endpoints[(this.#next + i) % count] as Endpoint;
      if (!tried.includes(endpoint)) return endpoint;
    }
    return this.#endpoints[this.#next] as Endpoint;
  }
}
