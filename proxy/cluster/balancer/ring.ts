// The key space of ring hash (consistent hashing): every endpoint has many points on a ring of all hashes, and a hash belongs to the endpoint of
// the next point. When an endpoint leaves, only its keys move.
import { spread } from '#lib/murmur.ts';
import type { Candidate } from './balancer.ts';
import type { KeySpace } from './by-key.ts';
import { identityHash } from './identity-hash.ts';

/** The points of the endpoint with the highest weight: at most these, and more than half of them. More points make shares more even. */
const MAX_POINTS = 256;
/** The points of all endpoints together, about: a larger ring takes too long to make when endpoints change. */
const MAX_RING = 2 ** 18;

export class Ring implements KeySpace {
  /** The points in ascending order, and the place of the candidate of each. */
  readonly #points: Uint32Array;
  readonly #places: Uint32Array;
  /** Hashes with equal upper bits form a bucket: the index of its first point. There are about as many buckets as points. */
  readonly #starts: Uint32Array;
  readonly #shift: number;

  constructor(candidates: readonly Candidate[]) {
    const counts = pointCounts(candidates);
    const total = counts.reduce((sum, count) => sum + count, 0);
    this.#shift = 32 - Math.max(1, Math.ceil(Math.log2(total)));
    this.#points = new Uint32Array(total);
    this.#places = new Uint32Array(total);
    this.#starts = new Uint32Array(2 ** (32 - this.#shift) + 1);
    const identities = candidates.map(({ endpoint }) => identityHash(endpoint));
    this.#findStarts(identities, counts);
    this.#insert(identities, counts);
  }

  /** After the last point the ring begins again. */
  placeOf(hash: number): number {
    const points = this.#points;
    let index = this.#starts[hash >>> this.#shift] as number;
    while (index < points.length && (points[index] as number) < hash) index++;
    return this.#places[index === points.length ? 0 : index] as number;
  }

  #findStarts(identities: readonly number[], counts: readonly number[]): void {
    const starts = this.#starts;
    for (let place = 0; place < counts.length; place++) {
      for (let i = 0; i < (counts[place] as number); i++) {
        const bucket = pointOf(identities[place] as number, i) >>> this.#shift;
        starts[bucket + 1] = (starts[bucket + 1] as number) + 1;
      }
    }
    for (let bucket = 1; bucket < starts.length; bucket++) starts[bucket] = (starts[bucket] as number) + (starts[bucket - 1] as number);
  }

  /** Inserts each point into its bucket, in order. Equal points are in the order of the identities, so that all proxies agree. */
  #insert(identities: readonly number[], counts: readonly number[]): void {
    const ends = this.#starts.slice();
    const places = [...counts.keys()].sort((a, b) => (identities[a] as number) - (identities[b] as number));
    for (const place of places) {
      for (let i = 0; i < (counts[place] as number); i++) {
        const point = pointOf(identities[place] as number, i);
        const bucket = point >>> this.#shift;
        const end = ends[bucket] as number;
        ends[bucket] = end + 1;
        this.#insertAt(end, this.#starts[bucket] as number, point, place);
      }
    }
  }

  /** Moves greater points of the bucket up. */
  #insertAt(end: number, start: number, point: number, place: number): void {
    const points = this.#points;
    let index = end;
    for (; index > start && (points[index - 1] as number) > point; index--) {
      points[index] = points[index - 1] as number;
      this.#places[index] = this.#places[index - 1] as number;
    }
    points[index] = point;
    this.#places[index] = place;
  }
}

function pointOf(identity: number, index: number): number {
  return spread(identity + spread(index));
}

/**
 * By weight. The number per weight is a power of two that rarely changes when weights or the number of endpoints change; the points of the
 * smaller number are among those of the larger one.
 */
function pointCounts(candidates: readonly Candidate[]): number[] {
  const heaviest = candidates.reduce((most, { weight }) => Math.max(most, weight), 0);
  const points = Math.min(MAX_POINTS, Math.max(1, MAX_RING / candidates.length));
  const perWeight = 2 ** Math.floor(Math.log2(points / heaviest));
  return candidates.map(({ weight }) => Math.max(1, Math.round(weight * perWeight)));
}
