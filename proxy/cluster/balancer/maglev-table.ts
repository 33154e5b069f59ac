// The key space of Maglev (Eisenbud and others, NSDI 2016): a table of slots. Candidates take free slots in turns, each in an order of its own.
// Shares are more even than on a ring; when an endpoint leaves, a few keys of others move too. The table depends on the addresses and weights
// alone, so all proxies have the same.
import { spread } from '#lib/murmur.ts';
import type { Candidate } from './balancer.ts';
import type { KeySpace } from './by-key.ts';
import { identityHash } from './identity-hash.ts';

/** A prime. With 100 endpoints, the share of each differs by at most 2 % from its ideal. */
const TABLE_SIZE = 65_537;
/**
 * A turn ends without a slot after so many taken ones. Without this limit, a removal lets the last turns of all candidates end differently:
 * the removal of 1 of 100 moves 1.6 % of the slots, of which 0.6 % belong to others. With it, 1.4 %; a lower limit makes shares uneven.
 */
const MAX_PROBES = 64;

/** The orders of all candidates: each starts at a slot and continues by a constant step. */
interface Orders {
  /** Places, in the order of their turns. */
  readonly places: readonly number[];
  readonly slots: Uint32Array;
  readonly steps: Uint32Array;
  /** A candidate has a turn in each round in which its credit reaches 1. Its credit grows by its share per round. */
  readonly shares: Float64Array;
  readonly credits: Float64Array;
}

export class MaglevTable implements KeySpace {
  readonly #places: Uint32Array;

  constructor(candidates: readonly Candidate[]) {
    this.#places = filledBy(candidates);
  }

  placeOf(hash: number): number {
    return this.#places[hash % TABLE_SIZE] as number;
  }
}

/** The place of a candidate for each slot. */
function filledBy(candidates: readonly Candidate[]): Uint32Array {
  const table = new Uint32Array(TABLE_SIZE);
  const taken = new Uint8Array(TABLE_SIZE);
  const orders = ordersOf(candidates);
  for (let filled = 0; filled < TABLE_SIZE;) {
    for (let turn = 0; turn < candidates.length && filled < TABLE_SIZE; turn++) {
      if (!hasTurn(orders, turn)) continue;
      const slot = freeSlot(orders, turn, taken);
      if (slot < 0) continue;
      taken[slot] = 1;
      table[slot] = orders.places[turn] as number;
      filled++;
    }
  }
  return table;
}

function hasTurn({ shares, credits }: Orders, turn: number): boolean {
  const credit = (credits[turn] as number) + (shares[turn] as number);
  credits[turn] = credit >= 1 ? credit - 1 : credit;
  return credit >= 1;
}

/** The next free slot in the order; -1 if it is too far away, and then the next turn continues there. */
function freeSlot({ slots, steps }: Orders, turn: number, taken: Uint8Array): number {
  const step = steps[turn] as number;
  let slot = slots[turn] as number;
  for (let i = 0; i < MAX_PROBES && taken[slot] === 1; i++) {
    slot += step;
    if (slot >= taken.length) slot -= taken.length;
  }
  slots[turn] = slot;
  return taken[slot] === 1 ? -1 : slot;
}

function ordersOf(candidates: readonly Candidate[]): Orders {
  const heaviest = candidates.reduce((most, { weight }) => Math.max(most, weight), 0);
  const hashes = candidates.map(({ endpoint }) => identityHash(endpoint));
  const places = [...candidates.keys()].sort((a, b) => (hashes[a] as number) - (hashes[b] as number));
  return {
    places,
    slots: Uint32Array.from(places, (place) => spread((hashes[place] as number) + 1) % TABLE_SIZE),
    steps: Uint32Array.from(places, (place) => (spread((hashes[place] as number) + 2) % (TABLE_SIZE - 1)) + 1),
    shares: Float64Array.from(places, (place) => (candidates[place] as Candidate).weight / heaviest),
    credits: new Float64Array(candidates.length),
  };
}
