// The response filters for requests that no route gets, by the listener of their host: error pages of a Gateway also replace its 404.
import type * as ir from '#api/ir/ir.ts';
import type { PolicyIndex } from '#api/policy/layers.ts';
import type { ResponseFilter } from '../exchange/plan.ts';
import type { Filter } from '../filter/filter.ts';
import type { FilterPool } from '../filter/filter-pool.ts';
import { RulePolicies } from '../filter/rule-policies.ts';

/** By key of a listener; listeners without such filters are absent. */
export type UnroutedFilters = ReadonlyMap<string, readonly ResponseFilter[]>;

export class Unrouted {
  readonly #pool: FilterPool;
  #byListener: UnroutedFilters = new Map();
  #filters: ReadonlySet<Filter> = new Set();

  constructor(pool: FilterPool) {
    this.#pool = pool;
  }

  get byListener(): UnroutedFilters {
    return this.#byListener;
  }

  /** Takes changed policies or listeners. */
  update(policies: PolicyIndex, listeners: Iterable<ir.Listener>): void {
    const byListener = new Map<string, readonly ResponseFilter[]>();
    const filters = new Set<Filter>();
    for (const { key } of policies.isEmpty ? [] : listeners) {
      const chain = this.#pool.refusals([], new RulePolicies(policies, null, key));
      for (const filter of chain.filters) filters.add(filter);
      if (chain.response !== null) byListener.set(key, chain.response);
    }
    this.#pool.use(filters, this.#filters);
    this.#filters = filters;
    this.#byListener = byListener;
  }
}
