// Filter chains: built once when a route is, run by index, no promise touched unless a filter returns one.
import type * as ir from '#api/ir/ir.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { FilterVerdict, RequestFilter, ResponseFilter } from '../exchange/plan.ts';
import { FILTERS } from './index.ts';
import type { FilterDependencies } from './filter.ts';

export type { FilterDependencies } from './filter.ts';

/** The request filters of a rule or backend in the order of FILTERS, or null when there are none. */
export function buildRequestChain(filters: readonly ir.Filter[], dependencies: FilterDependencies): readonly RequestFilter[] | null {
  const chain = FILTERS.flatMap((factory) => filters.map((filter) => factory.request?.(filter, dependencies) ?? null)).filter(
    (one) => one !== null,
  );
  return chain.length === 0 ? null : Object.freeze(chain);
}

/** The response filters, in reverse order: who saw the request first sees the answer last. */
export function buildResponseChain(filters: readonly ir.Filter[], dependencies: FilterDependencies): readonly ResponseFilter[] | null {
  const chain = FILTERS.flatMap((factory) => filters.map((filter) => factory.response?.(filter, dependencies) ?? null)).filter(
    (one) => one !== null,
  );
  return chain.length === 0 ? null : Object.freeze(chain.reverse());
}

/** Runs request filters until one answers, or the exchange is over while one is awaited. */
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

/** Its client may have left meanwhile, or its time may be up. */
function isOver(verdict: FilterVerdict, { phase }: Exchange): boolean {
  return verdict === 'answered' || phase === 'done';
}

/** Runs response filters over the head of an answer. */
export function runResponseFilters(chain: readonly ResponseFilter[], exchange: Exchange): void {
  for (let i = 0; i < chain.length; i++) (chain[i] as ResponseFilter).response(exchange);
}
