// The endpoint of a key if its own endpoint has too many requests or was tried: the hash is hashed again until a suitable endpoint is found. So
// the keys of one endpoint spread over all others, and a key has the same second endpoint in all proxies.
import { spread } from '#lib/murmur.ts';
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Candidate } from './balancer.ts';
import type { KeySpace } from './by-key.ts';
import type { LoadBound } from './load-bound.ts';

/** Hashes, before the candidates are searched in order. */
const MAX_HASHES = 16;

/** The endpoints to avoid. `bound`: null if only the tried ones. */
export interface Avoided {
  readonly tried: readonly UpstreamEndpoint[];
  readonly bound: LoadBound | null;
}

/** If no endpoint is left, the bound is ignored; if all were tried, the key gets its own endpoint. */
export function detour(candidates: readonly Candidate[], hash: number, space: KeySpace, avoided: Avoided): Endpoint {
  return (
    search(candidates, hash, space, avoided) ??
    search(candidates, hash, space, { ...avoided, bound: null }) ??
    (candidates[space.placeOf(hash)] as Candidate).endpoint
  );
}

function search(candidates: readonly Candidate[], hash: number, space: KeySpace, avoided: Avoided): Endpoint | null {
  let next = hash;
  for (let i = 0; i < MAX_HASHES; i++, next = spread(next + i)) {
    const place = space.placeOf(next);
    if (suits(candidates, place, avoided)) return (candidates[place] as Candidate).endpoint;
  }
  const place = candidates.findIndex((_, index) => suits(candidates, index, avoided));
  return place < 0 ? null : (candidates[place] as Candidate).endpoint;
}

function suits(candidates: readonly Candidate[], place: number, { tried, bound }: Avoided): boolean {
  return !tried.includes((candidates[place] as Candidate).endpoint) && (bound === null || bound.allows(place));
}
