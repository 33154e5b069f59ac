// Runs the filter chains of plans: by index, without promises unless a filter returns one.
import type { Exchange } from '../exchange/exchange.ts';
import type { FilterVerdict, RequestFilter, ResponseFilter } from '../exchange/plan.ts';

/** Runs request filters until one answers, or the exchange ends while one is awaited. */
export function runRequestFilters(chain: readonly RequestFilter[], exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
  return runFrom(chain, exchange, 0);
}

function runFrom(chain: readonly RequestFilter[], exchange: Exchange, start: number): FilterVerdict | Promise<FilterVerdict> {
  for (let i = start; i < chain.length; i++) {
    const verdict = (chain[i] as RequestFilter).request(exchange);
    if (typeof verdict !== 'string') return verdict.then((late) => (isOver(late, exchange) ? late : runFrom(chain, exchange, i + 1)));
    if (verdict === 'answered') return verdict;
  }
  return 'continue';
}

/** The client may have left meanwhile, or a deadline may have passed. */
function isOver(verdict: FilterVerdict, { phase }: Exchange): boolean {
  return verdict === 'answered' || phase === 'done';
}

/** Runs response filters on the head of an answer. */
export function runResponseFilters(chain: readonly ResponseFilter[], exchange: Exchange): void {
  for (let i = 0; i < chain.length; i++) (chain[i] as ResponseFilter).response(exchange);
}
