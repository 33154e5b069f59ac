// Ring hash and Maglev: the hash of a key selects the endpoint, so that a key stays at its endpoint as long as it may be used.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';
import { detour } from './detour.ts';
import { LoadBound } from './load-bound.ts';

/** The owners of all hashes. */
export interface KeySpace {
  /** The place of the candidate that owns the hash. */
  placeOf(hash: number): number;
}

export class ByKey implements Balancer {
  readonly #divide: (candidates: readonly Candidate[]) => KeySpace;
  readonly #factor: number;
  #candidates: readonly Candidate[] = [];
  #space: KeySpace = { placeOf: () => 0 };
  #bound: LoadBound | null = null;

  /**
   * `divide`: makes the key space of the candidates. `factor`: the bound of the load of an endpoint, as a multiple of its share; 0 for none.
   */
  constructor(divide: (candidates: readonly Candidate[]) => KeySpace, factor: number) {
    this.#divide = divide;
    this.#factor = factor;
  }

  update(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    this.#space = this.#divide(candidates);
    this.#bound = this.#factor > 0 ? new LoadBound(candidates, this.#factor) : null;
  }

  pick(hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    const bound = this.#bound;
    if (bound !== null) bound.next();
    const place = this.#space.placeOf(hash);
    if (tried.length > 0 || (bound !== null && !bound.allows(place))) return detour(this.#candidates, hash, this.#space, { tried, bound });
    return (this.#candidates[place] as Candidate).endpoint;
  }
}
