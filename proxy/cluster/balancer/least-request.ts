// Least request: of two random endpoints the one with fewer open requests and connections in proportion to its weight. Idle endpoints are
// equal, and then the draw alone decides, which already follows the weights.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

export class LeastRequest implements Balancer {
  #endpoints: readonly Endpoint[] = [];
  #choices = new TwoChoices([], () => false);

  update(candidates: readonly Candidate[]): void {
    const endpoints = candidates.map(({ endpoint }) => endpoint);
    const weights = Float64Array.from(candidates, ({ weight }) => weight);
    this.#endpoints = endpoints;
    this.#choices = new TwoChoices(candidates, (a, b) => {
      return (endpoints[b] as Endpoint).active * (weights[a] as number) < (endpoints[a] as Endpoint).active * (weights[b] as number);
    });
  }

  pick(_hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    return this.#endpoints[this.#choices.choose(tried)] as Endpoint;
  }
}
