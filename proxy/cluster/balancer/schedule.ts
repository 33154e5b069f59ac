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
  #endpoints: readonly Endpoint[] = [];
  /** The time between the turns of each endpoint, by its place. */
  #intervals = new Float64Array(0);
  /** A heap by time of the next turn: the times, and the places of the endpoints. Times of children are neighbours in memory. */
  #turns = new Float64Array(0);
  #places = new Uint32Array(0);
  #now = 0;

  /** An endpoint that stays has waited the same share of its interval as before. The first turn of a new one is at a random share. */
  update(candidates: readonly Candidate[]): void {
    const shares = this.#shares();
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    this.#now = 0;
    this.#endpoints = candidates.map(({ endpoint }) => endpoint);
    this.#intervals = Float64Array.from(candidates, ({ weight }) => total / weight / candidates.length);
    const turns = candidates.map(({ endpoint }, place) => (shares.get(endpoint) ?? Math.random()) * (this.#intervals[place] as number));
    this.#places = Uint32Array.from(candidates.keys()).sort((a, b) => (turns[a] as number) - (turns[b] as number));
    this.#turns = Float64Array.from(this.#places, (place) => turns[place] as number);
  }

  pick(_hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    if (tried.length > 0) return this.#instead(tried);
    const place = this.#places[0] as number;
    this.#now = this.#turns[0] as number;
    this.#sink(place, this.#now + (this.#intervals[place] as number));
    if (this.#now > MAX_TIME) this.#restart();
    return this.#endpoints[place] as Endpoint;
  }

  /** The rest of the interval of each endpoint until its turn, as a share. */
  #shares(): Map<Endpoint, number> {
    const shares = new Map<Endpoint, number>();
    this.#places.forEach((place, position) => {
      const wait = (this.#turns[position] as number) - this.#now;
      shares.set(this.#endpoints[place] as Endpoint, wait / (this.#intervals[place] as number));
    });
    return shares;
  }

  /** For another attempt: the earliest among the others. It keeps its turn, so that a failure of one exchange does not affect others. */
  #instead(tried: readonly UpstreamEndpoint[]): Endpoint {
    let found: Endpoint | null = null;
    let earliest = Infinity;
    for (let position = 0; position < this.#turns.length; position++) {
      const turn = this.#turns[position] as number;
      const endpoint = this.#endpoints[this.#places[position] as number] as Endpoint;
      if (turn >= earliest || tried.includes(endpoint)) continue;
      earliest = turn;
      found = endpoint;
    }
    return found ?? (this.#endpoints[this.#places[0] as number] as Endpoint);
  }

  /** Replaces the first of the heap by this turn, in its position. */
  #sink(place: number, turn: number): void {
    const turns = this.#turns;
    const places = this.#places;
    let hole = 0;
    for (;;) {
      const child = this.#earliestChild(hole);
      if (child < 0 || (turns[child] as number) >= turn) break;
      turns[hole] = turns[child] as number;
      places[hole] = places[child] as number;
      hole = child;
    }
    turns[hole] = turn;
    places[hole] = place;
  }

  /** The position of the child with the earliest turn; -1 without children. */
  #earliestChild(position: number): number {
    const turns = this.#turns;
    const first = position * CHILDREN + 1;
    const end = Math.min(first + CHILDREN, turns.length);
    if (first >= end) return -1;
    let earliest = first;
    for (let child = first + 1; child < end; child++) if ((turns[child] as number) < (turns[earliest] as number)) earliest = child;
    return earliest;
  }

  #restart(): void {
    for (let position = 0; position < this.#turns.length; position++) this.#turns[position] = (this.#turns[position] as number) - this.#now;
    this.#now = 0;
  }
}
