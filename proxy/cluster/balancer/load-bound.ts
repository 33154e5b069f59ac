// A bound of the load of each endpoint, for balancers that hash: a popular key must not overload its endpoint. An endpoint may have its share
// of the open requests of all candidates, times a factor; beyond, the next endpoint of the key gets the request (consistent hashing with
// bounded loads, Mirrokni, Thorup and Zadimoghaddam).
import type { Candidate } from './balancer.ts';

/** The sum of all open requests is counted anew after so many picks per candidate, so that its cost per pick is constant. */
const PICKS_PER_CANDIDATE = 1 / 2;

export class LoadBound {
  readonly #candidates: readonly Candidate[];
  /** The allowed open requests of each candidate per open request of all. */
  readonly #shares: Float64Array;
  readonly #interval: number;
  #active = 0;
  #picks = 0;

  /** `factor`: above 1. */
  constructor(candidates: readonly Candidate[], factor: number) {
    this.#candidates = candidates;
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    this.#shares = Float64Array.from(candidates, ({ weight }) => (factor * weight) / total);
    this.#interval = Math.ceil(candidates.length * PICKS_PER_CANDIDATE);
  }

  /** A pick begins. */
  next(): void {
    this.#active++;
    if (this.#picks++ % this.#interval !== 0) return;
    this.#active = 1;
    for (const { endpoint } of this.#candidates) this.#active += endpoint.active;
  }

  /** Whether the candidate may get one more request. */
  allows(place: number): boolean {
    return (this.#candidates[place] as Candidate).endpoint.active < Math.ceil((this.#shares[place] as number) * this.#active);
  }
}
