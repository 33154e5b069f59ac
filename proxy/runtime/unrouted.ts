// What policies say about requests that no route gets, by the listener of their host: error pages of a Gateway also replace its 404.
import type * as ir from '#api/ir/ir.ts';
import type { PolicyIndex } from '#api/policy/layers.ts';
import type { ResponseFilter } from '../exchange/plan.ts';
import type { RouteTelemetry } from '../exchange/route-telemetry.ts';
import type { Filter } from '../filter/filter.ts';
import type { FilterPool } from '../filter/filter-pool.ts';
import { RulePolicies } from '../filter/rule-policies.ts';
import type { RouteTelemetries } from './telemetry/route-telemetries.ts';

/** What policies say about the requests of a listener that no route gets. */
export interface UnroutedPlan {
  /** Null: there are none. */
  readonly filters: readonly ResponseFilter[] | null;
  readonly telemetry: RouteTelemetry | null;
}

/** By key of a listener; listeners without such policies are absent. */
export type UnroutedPlans = ReadonlyMap<string, UnroutedPlan>;

export class Unrouted {
  readonly #pool: FilterPool;
  readonly #telemetries: RouteTelemetries;
  #byListener: UnroutedPlans = new Map();
  #filters: ReadonlySet<Filter> = new Set();

  constructor(pool: FilterPool, telemetries: RouteTelemetries) {
    this.#pool = pool;
    this.#telemetries = telemetries;
  }

  get byListener(): UnroutedPlans {
    return this.#byListener;
  }

  /** Takes changed policies or listeners. */
  update(policies: PolicyIndex, listeners: Iterable<ir.Listener>): void {
    const byListener = new Map<string, UnroutedPlan>();
    const filters = new Set<Filter>();
    for (const { key } of policies.isEmpty ? [] : listeners) {
      const chain = this.#pool.refusals([], new RulePolicies(policies, null, key));
      for (const filter of chain.filters) filters.add(filter);
      const plan = { filters: chain.response, telemetry: this.#telemetries.of(policies, null, key) };
      if (plan.filters !== null || plan.telemetry !== null) byListener.set(key, plan);
    }
    this.#pool.use(filters, this.#filters);
    this.#filters = filters;
    this.#byListener = byListener;
  }
}
