// Runs the halves of filters that cannot wait.
import type { Exchange } from '../exchange/exchange.ts';
import type { EndFilter, ResponseFilter } from '../exchange/plan.ts';

/** Runs response filters on the head of an answer. */
export function runResponseFilters(chain: readonly ResponseFilter[], exchange: Exchange): void {
  for (let i = 0; i < chain.length; i++) (chain[i] as ResponseFilter).response(exchange);
}

/** Tells filters that an exchange is over. */
export function runEndFilters(chain: readonly EndFilter[], exchange: Exchange): void {
  for (let i = 0; i < chain.length; i++) (chain[i] as EndFilter).ended(exchange);
}
