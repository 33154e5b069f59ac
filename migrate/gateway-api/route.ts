// A route of the Gateway API without what only another gateway understands.
import { isMap } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { Plan } from '../plan.ts';
import { ENVOY_GROUP, manifestOf, renamed } from './copy.ts';

type Json = Record<string, unknown>;

/** Annotations by which other gateways add plugins and policies. */
const GATEWAYS_OWN = /(^|\.)(konghq\.com|nginx\.org|istio\.io|projectcontour\.io|traefik\.io)\//;
/** Kinds that backendRefs of Weir may name. */
const BACKEND_KINDS = new Set(['Service', 'Backend']);

/** Converts one route. */
export class RouteConverter {
  readonly #object: InputObject;
  readonly #plan: Plan;
  readonly #open: string[] = [];

  constructor(object: InputObject, plan: Plan) {
    this.#object = object;
    this.#plan = plan;
  }

  convert(): void {
    const object = this.#object;
    const plan = this.#plan;
    const spec = renamed(object.value['spec'] ?? {});
    const id = `${object.kind}/${object.namespace}/${object.name}`;
    const addition = plan.additions.of(id, parentsOf(spec, object.namespace));
    const rules = listOf(spec['rules']).map((rule, index) => this.#rule(rule, `spec.rules[${index}]`, addition.filters));
    this.#annotations();
    const open = [...this.#open, ...addition.open];
    if (open.length > 0 && !plan.options.allowOpen) {
      const reason = `it is not written, because it would be open without ${open.join(' and ')}`;
      plan.leftOut(object, { field: '', reason, advice: 'protect the backend itself and use --allow-open' });
      return;
    }
    plan.write(object, manifestOf(object, { ...spec, ...(spec['rules'] === undefined ? {} : { rules }) }));
  }

  #rule(rule: Json, path: string, more: readonly object[]): Json {
    const filters = [...this.#filters(rule['filters'], `${path}.filters`), ...more];
    const backendRefs = listOf(rule['backendRefs']).map((ref, index) => this.#backend(ref, `${path}.backendRefs[${index}]`));
    const { filters: _filters, backendRefs: _backendRefs, ...rest } = rule;
    return { ...rest, ...(filters.length > 0 ? { filters } : {}), ...(backendRefs.length > 0 ? { backendRefs } : {}) };
  }

  #backend(ref: Json, path: string): Json {
    const kind = String(ref['kind'] ?? 'Service');
    if (!BACKEND_KINDS.has(kind))
      this.#plan.leftOut(this.#object, {
        field: path,
        reason: `${kind} is no backend of Weir, and its share is answered with 500`,
        advice: 'name a Service',
      });
    const { filters: _filters, ...rest } = ref;
    const filters = this.#filters(ref['filters'], `${path}.filters`);
    return { ...rest, ...(filters.length > 0 ? { filters } : {}) };
  }

  /** Filters that are extensions are the other gateway's; some of them protect the route. */
  #filters(filters: unknown, path: string): Json[] {
    return listOf(filters).flatMap((filter, index) => {
      const field = `${path}[${index}]`;
      if (filter['type'] !== 'ExtensionRef') return [filter];
      const ref = isMap(filter['extensionRef']) ? filter['extensionRef'] : {};
      const name = `${String(ref['kind'])} ${String(ref['name'])}`;
      // Filters of Envoy Gateway rewrite and answer; those of others may ask for credentials.
      if (ref['group'] !== ENVOY_GROUP) this.#open.push(`the filter ${name}`);
      this.#plan.leftOut(this.#object, {
        field,
        reason: `${name} is another gateway's filter`,
        advice: 'write what it does as filters of the Gateway API',
      });
      return [];
    });
  }

  #annotations(): void {
    const metadata = isMap(this.#object.value['metadata']) ? this.#object.value['metadata'] : {};
    for (const name of Object.keys(isMap(metadata['annotations']) ? metadata['annotations'] : {})) {
      if (!GATEWAYS_OWN.test(name)) continue;
      this.#open.push(`the annotation ${name}`);
      this.#plan.leftOut(this.#object, {
        field: `metadata.annotations[${name}]`,
        reason: 'another gateway reads it, and it may protect the route',
      });
    }
  }
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

function parentsOf(spec: Json, namespace: string): string[] {
  return listOf(spec['parentRefs']).map(
    (ref) => `${String(ref['kind'] ?? 'Gateway')}/${String(ref['namespace'] ?? namespace)}/${String(ref['name'])}`,
  );
}
