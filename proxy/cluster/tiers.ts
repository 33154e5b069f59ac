// The ranks of endpoints: lower priorities, and endpoints in other zones, get requests as those before them lose capacity. Each rank has a
// balancer of its own. One rank is the usual case.
import { spread } from '#lib/murmur.ts';
import type { Attempt, AttemptOutcome } from '../exchange/attempt.ts';
import type { UpstreamEndpoint } from '../exchange/plan.ts';
import type { Balancer } from './balancer/balancer.ts';
import type { Endpoint } from './endpoint.ts';
import type { Member } from './member.ts';

/**
 * The overprovisioning factor: a rank keeps all its requests as long as this multiple of its healthy share reaches 1, so while at most 28 %
 * of its endpoints are unhealthy.
 */
const OVERPROVISIONING = 1.4;

interface Tier {
  readonly candidates: readonly Member[];
  readonly balancer: Balancer;
  /** The end of its part of the requests; the part begins at the end of the tier before, the first at 0. The last one ends at 1. */
  readonly end: number;
}

export class Tiers {
  readonly #make: () => Balancer;
  /** By rank: a rank that stays keeps the state of its balancer. */
  #balancers = new Map<number, Balancer>();
  #tiers: readonly Tier[] = [];

  constructor(make: () => Balancer) {
    this.#make = make;
  }

  /** `members`: all that could be candidates if they were healthy. `rankOf`: the lowest ranks come first. At least one candidate. */
  update(members: readonly Member[], candidates: readonly Member[], rankOf: (member: Member) => number): void {
    const totals = new Map([...byRank(members, rankOf)].map(([rank, all]) => [rank, all.filter(({ draining }) => !draining).length]));
    const known = new Map(this.#tiers.map((tier) => [tier.balancer, tier.candidates]));
    const ranks = [...byRank(candidates, rankOf)].sort(([a], [b]) => a - b);
    const ends = endsOf(ranks.map(([rank, usable]) => usable.length / Math.max(1, totals.get(rank) ?? 0)));
    this.#tiers = ranks.map(([rank, usable], i) => {
      const balancer = this.#balancers.get(rank) ?? this.#make();
      // An update may take milliseconds, and many changes exclude no other endpoint than before.
      if (!areEqual(usable, known.get(balancer) ?? [])) balancer.update(usable);
      return { candidates: usable, balancer, end: ends[i] as number };
    });
    this.#balancers = new Map(ranks.map(([rank], i) => [rank, (this.#tiers[i] as Tier).balancer]));
  }

  pick(hash: number, tried: readonly UpstreamEndpoint[]): Endpoint {
    const tiers = this.#tiers;
    const tier = tiers.length === 1 ? (tiers[0] as Tier) : this.#choose(hash, tried);
    return tier.balancer.pick(hash, tried);
  }

  attemptEnded(attempt: Attempt, outcome: AttemptOutcome): void {
    for (const { balancer } of this.#tiers) balancer.attemptEnded?.(attempt, outcome);
  }

  /** A tier by its part of the requests; after attempts, the first one with an endpoint that was not tried. */
  #choose(hash: number, tried: readonly UpstreamEndpoint[]): Tier {
    const part = hash === 0 ? Math.random() : spread(hash) / 2 ** 32;
    const drawn = this.#tiers.find(({ end }) => part < end) ?? (this.#tiers[0] as Tier);
    if (tried.length === 0 || hasOther(drawn, tried)) return drawn;
    return this.#tiers.find((tier) => hasOther(tier, tried)) ?? drawn;
  }
}

function hasOther({ candidates }: Tier, tried: readonly UpstreamEndpoint[]): boolean {
  return candidates.some(({ endpoint }) => !tried.includes(endpoint));
}

function byRank(members: readonly Member[], rankOf: (member: Member) => number): Map<number, Member[]> {
  return Map.groupBy(members, rankOf);
}

/** Each rank takes as much of the rest as its healthy share allows. If all together cannot take everything, each takes more in proportion. */
function endsOf(healthy: readonly number[]): number[] {
  let sum = 0;
  const ends = healthy.map((share) => (sum = Math.min(1, sum + Math.min(1, OVERPROVISIONING * share))));
  return ends.map((end) => end / sum);
}

function areEqual(some: readonly Member[], others: readonly Member[]): boolean {
  return some.length === others.length && some.every((member, i) => member === others[i]);
}
