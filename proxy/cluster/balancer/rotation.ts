// Round robin without weights: each endpoint takes its turn. A pick is one step in an array.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';

export class Rotation implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  /** The index of the endpoint with the next turn. */
  #next = 0;

  /**
   * The turn stays with its endpoint, or goes to the next one that stays. The first turn is random: proxies that get the same endpoints at
   * the same time must not all start with the first.
   */
  update(candidates: readonly Candidate[]): void {
    const previous = this.#endpoints;
    const places = new Map(candidates.map(({ endpoint }, place) => [endpoint, place]));
    let next = Math.floor(Math.random() * candidates.length);
    for (let i = 0; i < previous.length; i++) {
      const place = places.get(previous[(this.#next + i) % previous.length] as Endpoint);
      if (place === undefined) continue;
      next = place;
      break;
    }
    this.#endpoints = candidates.map(({ endpoint }) => endpoint);
    this.#next = next;
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
