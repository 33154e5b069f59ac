// A random endpoint, in proportion to the weights.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { Lottery } from './lottery.ts';

export class Random implements Balancer {
  #candidates: readonly Candidate[] = [];
  #lottery = new Lottery([]);

  update(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    this.#lottery = new Lottery(candidates);
  }

  pick(_hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    const place = tried.length === 0 ? this.#lottery.draw() : this.#lottery.drawOther(tried);
    return (this.#candidates[place] as Candidate).endpoint;
  }
}
