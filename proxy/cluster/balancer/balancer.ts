// The choice among the endpoints that may be used now. A balancer knows no health, zones or priorities: it gets the result as candidates.
import type { Attempt, AttemptOutcome } from '../../exchange/attempt.ts';
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';

/** An endpoint to choose from. An endpoint that stays keeps its object as long as its weight stays. */
export interface Candidate {
  readonly endpoint: Endpoint;
  /** Above 0; 1 is usual. Only the ratio of weights counts. */
  readonly weight: number;
}

/** One way to choose. Each use of a backend has a balancer of its own, because a balancer keeps state: turns, or measured times. */
export interface Balancer {
  /** Sets the endpoints to choose from, at least one. Endpoints that stay keep their state. */
  update(candidates: readonly Candidate[]): void;
  /**
   * Chooses an endpoint. `hash`: of the request or connection, an unsigned number of 32 bits; 0 if the balancer does not hash. `tried`: not
   * one of these while another is left.
   */
  pick(hash: number, tried: readonly UpstreamEndpoint[]): Endpoint;
  /** Gets the end of each attempt. Absent if the balancer learns nothing from it. */
  attemptEnded?(attempt: Attempt, outcome: AttemptOutcome): void;
}
