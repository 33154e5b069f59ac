// What policies of other gateways do to objects that are written elsewhere: filters, lost protection, client certificates.
import type { Filter } from './manifest.ts';

/** For one object. */
export interface Addition {
  readonly filters: readonly Filter[];
  /** Settings that protected it and are lost. */
  readonly open: readonly string[];
}

const NOTHING: Addition = { filters: [], open: [] };

/** Additions by `Kind/namespace/name`. */
export class Additions {
  readonly #routes = new Map<string, Addition>();
  readonly #frontends = new Map<string, Readonly<Record<string, unknown>>>();

  /** For a route, or for every route of a Gateway that has none of its own. */
  add(target: string, addition: Addition): void {
    const known = this.#routes.get(target) ?? NOTHING;
    this.#routes.set(target, { filters: [...known.filters, ...addition.filters], open: [...known.open, ...addition.open] });
  }

  /** Those of the route itself; otherwise those of its parents. */
  of(route: string, parents: readonly string[]): Addition {
    const own = this.#routes.get(route);
    if (own !== undefined) return own;
    const inherited = parents.flatMap((parent) => this.#routes.get(parent) ?? []);
    const filters = inherited.flatMap((addition) => addition.filters);
    return { filters: filters.slice(0, 1), open: [...new Set(inherited.flatMap(({ open }) => open))] };
  }

  /** spec.tls.frontend of a Gateway. */
  setFrontend(gateway: string, frontend: Readonly<Record<string, unknown>>): void {
    this.#frontends.set(gateway, frontend);
  }

  frontend(gateway: string): Readonly<Record<string, unknown>> | undefined {
    return this.#frontends.get(gateway);
  }
}
