// The filters of all plans, each once, and the chains that plans have of them. A filter lives while a plan has it, across runtimes.
import type * as ir from '#api/ir/ir.ts';
import type { EndFilter, RequestFilter, ResponseFilter } from '../exchange/plan.ts';
import type { ChainMeter } from './chain-meter.ts';
import type { Filter, FilterDependencies, FilterDraft, FilterKind } from './filter.ts';
import { FILTERS } from './index.ts';
import { placed } from './placing.ts';
import type { RulePolicies } from './rule-policies.ts';

/** The filters of a plan in the order of the kinds. */
export interface Chain {
  /** Equal for the same filters. */
  readonly id: string;
  readonly filters: readonly Filter[];
  /** Null: there are none. */
  readonly request: readonly RequestFilter[] | null;
  /** Those that run after the filters of the chosen backend. */
  readonly last: readonly RequestFilter[] | null;
  /** In reverse order: the first filter of a request is the last of its answer. */
  readonly response: readonly ResponseFilter[] | null;
  /** In the same order. */
  readonly end: readonly EndFilter[] | null;
}

interface Pooled {
  readonly id: number;
  readonly key: string;
  readonly filter: Filter;
  /** The number of plans with it. */
  uses: number;
}

export class FilterPool {
  readonly #kinds: readonly FilterKind[];
  readonly #dependencies: FilterDependencies;
  readonly #byKey = new Map<string, Pooled>();
  readonly #byFilter = new Map<Filter, Pooled>();
  /** Filters that may be unused since the last sweep. */
  readonly #suspects = new Set<Pooled>();
  #made = 0;
  /** Times the parts of the chains that are built now; null: nothing does. */
  #meter: ChainMeter | null = null;

  constructor(dependencies: FilterDependencies, kinds: readonly FilterKind[] = FILTERS) {
    this.#dependencies = dependencies;
    this.#kinds = kinds;
  }

  /** The number of filters in use. */
  get size(): number {
    return this.#byKey.size;
  }

  /** The chain for the filters of a rule or a backend, and for the policies in effect; null: none. */
  chain(filters: readonly ir.Filter[], policies: RulePolicies | null): Chain {
    return this.#chain(policies === null ? this.#kinds : placed(this.#kinds, policies), filters, () => policies);
  }

  /** The same for requests that are refused before the rule serves them, or that have no rule. */
  refusals(filters: readonly ir.Filter[], policies: RulePolicies): Chain {
    return this.#chain(this.#kinds, filters, (kind) => (kind.ofRefused === true ? policies : null));
  }

  #chain(kinds: readonly FilterKind[], filters: readonly ir.Filter[], policiesFor: (kind: FilterKind) => RulePolicies | null): Chain {
    const own = filters.map((filter) => ({ filter, json: JSON.stringify(filter) }));
    const pooled = kinds.flatMap((kind) => {
      const ofRule = own.map(({ filter, json }) => this.#ofRule(kind, filter, json));
      return [...ofRule, this.#ofPolicies(kind, policiesFor(kind))].filter((each) => each !== null);
    });
    return this.#timed(pooled.length === 0 ? NO_FILTERS : chainOf(pooled));
  }

  /** Builds chains whose parts a meter times; null: none does. */
  metered(meter: ChainMeter | null, build: () => void): void {
    this.#meter = meter;
    try {
      build();
    } finally {
      this.#meter = null;
    }
  }

  #timed(chain: Chain): Chain {
    const meter = this.#meter;
    if (meter === null) return chain;
    const { request, last, response, end } = chain;
    return {
      ...chain,
      request: meter.requests(request),
      last: meter.requests(last),
      response: meter.responses(response),
      end: meter.ends(end),
    };
  }

  #ofRule(kind: FilterKind, filter: ir.Filter, json: string): Pooled | null {
    if (kind.ofRule === undefined) return null;
    const key = `${kind.name} rule ${json}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const made = kind.ofRule(filter, this.#dependencies);
    return made === null ? null : this.#add(key, made);
  }

  #ofPolicies(kind: FilterKind, policies: RulePolicies | null): Pooled | null {
    const draft: FilterDraft | null = policies === null ? null : (kind.ofPolicies?.(policies) ?? null);
    if (draft === null) return null;
    const key = `${kind.name} policies ${JSON.stringify(draft.identity)}`;
    return this.#byKey.get(key) ?? this.#add(key, draft.make(this.#dependencies));
  }

  #add(key: string, filter: Filter): Pooled {
    const pooled: Pooled = { id: this.#made++, key, filter, uses: 0 };
    this.#byKey.set(key, pooled);
    this.#byFilter.set(filter, pooled);
    this.#suspects.add(pooled);
    return pooled;
  }

  /** Counts the filters of new plans, and discounts those of the plans that they replace. */
  use(filters: Iterable<Filter>, previous: Iterable<Filter> = []): void {
    for (const filter of filters) this.#count(filter, 1);
    for (const filter of previous) this.#count(filter, -1);
  }

  #count(filter: Filter, change: 1 | -1): void {
    const pooled = this.#byFilter.get(filter);
    if (pooled === undefined) return;
    pooled.uses += change;
    if (pooled.uses === 0) this.#suspects.add(pooled);
  }

  /** Disposes of filters without plans. Call it after each batch. */
  sweep(): void {
    for (const pooled of this.#suspects) {
      if (pooled.uses > 0) continue;
      this.#byKey.delete(pooled.key);
      this.#byFilter.delete(pooled.filter);
      pooled.filter.dispose?.();
    }
    this.#suspects.clear();
  }
}

const NO_FILTERS: Chain = Object.freeze({ id: '', filters: [], request: null, last: null, response: null, end: null });

function chainOf(pooled: readonly Pooled[]): Chain {
  const filters = pooled.map(({ filter }) => filter);
  return {
    id: pooled.map(({ id }) => id).join(),
    filters,
    request: orNull(filters.filter(hasRequest).filter(({ isLast }) => isLast !== true)),
    last: orNull(filters.filter(hasRequest).filter(({ isLast }) => isLast === true)),
    response: orNull(filters.filter(hasResponse).reverse()),
    end: orNull(filters.filter(hasEnd).reverse()),
  };
}

/** Null instead of an empty list: the request path then has one comparison to make. */
function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : Object.freeze(list);
}

function hasRequest(filter: Filter): filter is Filter & RequestFilter {
  return filter.request !== undefined;
}

function hasResponse(filter: Filter): filter is Filter & ResponseFilter {
  return filter.response !== undefined;
}

function hasEnd(filter: Filter): filter is Filter & EndFilter {
  return filter.ended !== undefined;
}
