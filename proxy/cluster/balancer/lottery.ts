// Draws candidates at random in proportion to their weights, in constant time: the alias method of Walker and Vose. A place of the table
// stands for a candidate up to its share of the place, and for another candidate, its alias, beyond.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Candidate } from './balancer.ts';

/** Draws that may hit tried endpoints, before the rest is searched in order. */
const MAX_DRAWS = 8;

export class Lottery {
  readonly #candidates: readonly Candidate[];
  /** Null if all weights are equal. */
  readonly #table: { readonly shares: Float64Array; readonly aliases: Uint32Array } | null;

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
    this.#table = candidates.every(({ weight }) => weight === candidates[0]?.weight) ? null : tableOf(candidates);
  }

  /** The place of a candidate. */
  draw(): number {
    const ticket = Math.random() * this.#candidates.length;
    const place = Math.floor(ticket);
    if (this.#table === null || ticket - place < (this.#table.shares[place] as number)) return place;
    return this.#table.aliases[place] as number;
  }

  /** The place of a candidate that is not in `tried`; of any if no other is left. */
  drawOther(tried: readonly UpstreamEndpoint[]): number {
    let place = this.draw();
    for (let i = 1; i < MAX_DRAWS && this.#isTried(place, tried); i++) place = this.draw();
    const count = this.#candidates.length;
    for (let i = 0; i < count && this.#isTried(place, tried); i++) place = (place + 1) % count;
    return place;
  }

  #isTried(place: number, tried: readonly UpstreamEndpoint[]): boolean {
    return tried.includes((this.#candidates[place] as Candidate).endpoint);
  }
}

/** Gives each place with less than an average share the rest of a place with more. */
function tableOf(candidates: readonly Candidate[]): { readonly shares: Float64Array; readonly aliases: Uint32Array } {
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  const shares = Float64Array.from(candidates, ({ weight }) => (weight * candidates.length) / total);
  const aliases = Uint32Array.from(candidates.keys());
  const poor: number[] = [];
  const rich: number[] = [];
  shares.forEach((share, place) => (share < 1 ? poor : rich).push(place));
  for (;;) {
    const [place, donor] = [poor.pop(), rich.pop()];
    if (place === undefined || donor === undefined) break;
    aliases[place] = donor;
    shares[donor] = (shares[donor] as number) - (1 - (shares[place] as number));
    ((shares[donor] as number) < 1 ? poor : rich).push(donor);
  }
  return { shares, aliases };
}
