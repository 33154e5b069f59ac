// Least request: of two random endpoints the one with fewer open requests and connections in proportion to its weight. Idle endpoints are
// equal, and then the draw alone decides, which already follows the weights.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

export class LeastRequest implements Balancer {
  #candidates: readonly Candidate[] = [];
  #choices = this.#among([]);

  update(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    this.#choices = this.#among(candidates);
  }

  pick(_hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    return (this.#candidates[this.#choices.choose(tried)] as Candidate).endpoint;
  }

  #among(candidates: readonly Candidate[]): TwoChoices {
    return new TwoChoices(candidates, (a, b) => {
      const [one, other] = [candidates[a] as Candidate, candidates[b] as Candidate];
      return other.endpoint.active * one.weight < one.endpoint.active * other.weight;
    });
  }
}
