// The power of two choices: draws two candidates in proportion to the weights and takes the better one. Two suffice to avoid a busy
// endpoint, and many proxies do not flock to the best endpoint, as they would if each compared all.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';
import type { Candidate } from './balancer.ts';
import { Lottery } from './lottery.ts';

export class TwoChoices {
  readonly #count: number;
  readonly #lottery: Lottery;
  /** True if the candidate in place `b` is better than the one in place `a`. */
  readonly #better: (a: number, b: number) => boolean;

  constructor(candidates: readonly Candidate[], better: (a: number, b: number) => boolean) {
    this.#count = candidates.length;
    this.#lottery = new Lottery(candidates);
    this.#better = better;
  }

  /** The place of the better of two candidates; of the first if neither is better. */
  choose(tried: readonly UpstreamEndpoint[]): number {
    if (tried.length > 0) return this.#chooseOther(tried);
    if (this.#count === 1) return 0;
    const first = this.#lottery.draw();
    let second = this.#lottery.draw();
    if (second === first) second = (first + 1 + Math.floor(Math.random() * (this.#count - 1))) % this.#count;
    return this.#better(first, second) ? second : first;
  }

  #chooseOther(tried: readonly UpstreamEndpoint[]): number {
    const first = this.#lottery.drawOther(tried);
    const second = this.#lottery.drawOther(tried);
    return second !== first && this.#better(first, second) ? second : first;
  }
}
