// The policies in effect for the requests of a rule at a listener: merged settings, each with its origin, as kinds of filters read them.
import type * as ir from '#api/ir/ir.ts';
import { listenerTargets, requestTargets, type PolicyIndex } from '#api/policy/layers.ts';
import { mergePolicies, type Merged, type SettingOrigin } from '#api/policy/merge.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { PolicyKindName } from '#api/k8s/policies.ts';
import type { Filter, FilterDependencies, FilterDraft } from './filter.ts';

/** The parts of a policy filter besides its settings. */
export interface PolicyFilterContext extends FilterDependencies {
  /** The policies that the settings come from. */
  readonly origins: readonly SettingOrigin[];
  /** The namespace of the nearest of these policies: that of the consumers that it knows. */
  readonly namespace: string;
}

export class RulePolicies {
  readonly #index: PolicyIndex;
  /** Null: no rule gets the requests. */
  readonly #route: ir.Route | null;
  readonly #targets: readonly ir.PolicyTarget[];
  readonly #merged = new Map<PolicyKindName, Merged<PolicyKindName>>();

  /** `route` null: the policies for requests that no rule gets. */
  constructor(index: PolicyIndex, route: ir.Route | null, listener: string) {
    this.#index = index;
    this.#route = route;
    this.#targets = route === null ? listenerTargets(listener) : requestTargets(route, listener, null);
  }

  /** Whether the rule has a filter of this type itself. */
  hasFilter(type: ir.Filter['type']): boolean {
    return this.#route?.filters.some((filter) => filter.type === type) === true;
  }

  /** The regular expressions and templates of the rule for paths, as its author wrote them. */
  pathExpressions(): readonly string[] {
    return this.#route?.matches.flatMap(({ path: { type, value } }) => (type === 'RegularExpression' ? [value] : [])) ?? [];
  }

  /** The merged settings of a policy kind. */
  settings<K extends PolicyKindName>(kind: K): Merged<K> {
    let merged = this.#merged.get(kind);
    if (merged === undefined) this.#merged.set(kind, (merged = mergePolicies(kind, this.#index.layers(kind, this.#targets))));
    return merged as Merged<K>;
  }

  /**
   * A filter of some top-level settings of a policy kind; null if none of them is set. It stays the same filter while these settings and the
   * policies that they come from stay the same.
   */
  filterOf<K extends PolicyKindName, F extends keyof PolicySettings<K> & string>(
    kind: K,
    fields: readonly F[],
    make: (settings: Pick<PolicySettings<K>, F>, context: PolicyFilterContext) => Filter,
  ): FilterDraft | null {
    const { settings, origins: all } = this.settings(kind);
    const origins = all.filter(({ field }) => fields.includes(field.split('.', 1)[0] as F));
    if (origins.length === 0) return null;
    return {
      origins,
      identity: origins.map(({ field, value, policy }) => [field, value, policy]),
      make: (dependencies) => make(settings, { ...dependencies, origins, namespace: namespaceOf(origins[0]) }),
    };
  }
}

/** The namespace in the key of a policy: `<kind>/<namespace>/<name>`. */
function namespaceOf(origin: SettingOrigin | undefined): string {
  return origin?.policy.split('/')[1] ?? '';
}
