// Round robin with weights, smooth: an endpoint of weight w has its turns at times that are 1/w apart, and the endpoint with the earliest
// turn is next (earliest deadline first). After any number of picks each endpoint has its ideal number of turns, give or take one. The
// turns are a heap with four children per node, so a pick costs a few steps also with thousands of endpoints.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer, Candidate } from './balancer.ts';

const CHILDREN = 4;
/** Times are counted anew from here on: far below the number whose fractions a double can no longer distinguish. */
const MAX_TIME = 2 ** 30;

export class Schedule implements Balancer {
  #candidates: readonly Candidate[] = [];
  /** By place of the candidate: the time between its turns, and the time of its next turn. */
  #intervals = new Float64Array(0);
  #turns = new Float64Array(0);
  /** Places of candidates as a heap by time of the turn. */
  #heap = new Uint32Array(0);
  #now = 0;

  /** An endpoint that stays has waited the same share of its interval as before. The first turn of a new one is at a random share. */
  update(candidates: readonly Candidate[]): void {
    const shares = new Map(
      this.#candidates.map(({ endpoint }, place) => {
        const wait = (this.#turns[place] as number) - this.#now;
        return [endpoint, wait / (this.#intervals[place] as number)];
      }),
    );
    this.#now = 0;
    this.#candidates = candidates;
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    this.#intervals = Float64Array.from(candidates, ({ weight }) => total / weight / candidates.length);
    this.#turns = Float64Array.from(candidates, ({ endpoint }, place) => {
      return (shares.get(endpoint) ?? Math.random()) * (this.#intervals[place] as number);
    });
    const turns = this.#turns;
    this.#heap = Uint32Array.from(candidates.keys()).sort((a, b) => (turns[a] as number) - (turns[b] as number));
  }

  pick(_hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    if (tried.length > 0) return this.#instead(tried);
    const place = this.#heap[0] as number;
    this.#now = this.#turns[place] as number;
    this.#turns[place] = this.#now + (this.#intervals[place] as number);
    this.#sink();
    if (this.#now > MAX_TIME) this.#restart();
    return (this.#candidates[place] as Candidate).endpoint;
  }

  /** For another attempt: the earliest among the others. It keeps its turn, so that a failure of one exchange does not affect others. */
  #instead(tried: readonly UpstreamEndpoint[]): Endpoint {
    let found: Endpoint | null = null;
    let earliest = Infinity;
    for (let place = 0; place < this.#candidates.length; place++) {
      const turn = this.#turns[place] as number;
      const { endpoint } = this.#candidates[place] as Candidate;
      if (turn >= earliest || tried.includes(endpoint)) continue;
      earliest = turn;
      found = endpoint;
    }
    return found ?? (this.#candidates[this.#heap[0] as number] as Candidate).endpoint;
  }

  /** Moves the first of the heap to its new position. */
  #sink(): void {
    const heap = this.#heap;
    const turns = this.#turns;
    const moved = heap[0] as number;
    const turn = turns[moved] as number;
    let hole = 0;
    for (;;) {
      const child = this.#earliestChild(hole);
      if (child < 0 || (turns[heap[child] as number] as number) >= turn) break;
      heap[hole] = heap[child] as number;
      hole = child;
    }
    heap[hole] = moved;
  }

  /** The position of the child with the earliest turn; -1 without children. */
  #earliestChild(position: number): number {
    const first = position * CHILDREN + 1;
    const end = Math.min(first + CHILDREN, this.#heap.length);
    if (first >= end) return -1;
    let earliest = first;
    let turn = this.#turns[this.#heap[first] as number] as number;
    for (let child = first + 1; child < end; child++) {
      const other = this.#turns[this.#heap[child] as number] as number;
      if (other >= turn) continue;
      turn = other;
      earliest = child;
    }
    return earliest;
  }

  #restart(): void {
    for (let place = 0; place < this.#turns.length; place++) this.#turns[place] = (this.#turns[place] as number) - this.#now;
    this.#now = 0;
  }
}
