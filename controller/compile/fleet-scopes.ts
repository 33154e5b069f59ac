// Scopes of Gateways: a scope is the set of resources that one fleet of proxies may read.
import type { CompileDelta } from './result.ts';

/** The scope of the shared proxies. Every other scope has the name `<namespace>/<name>` of its Gateway. */
export const SHARED = 'shared';

/** The part of a delta that moves Gateways between scopes. */
export interface FleetDelta {
  readonly fleets: readonly Pick<CompileDelta['fleets'][number], 'gateway'>[];
  readonly fleetsGone: readonly string[];
}

/** Keeps which Gateways have dedicated proxies. */
export class FleetScopes {
  readonly #own = new Set<string>();

  /** Takes a delta; returns the Gateways whose scope has changed. */
  apply({ fleets, fleetsGone }: FleetDelta): readonly string[] {
    const moved = fleets.map(({ gateway }) => gateway).filter((gateway) => !this.#own.has(gateway));
    const returned = fleetsGone.filter((gateway) => this.#own.has(gateway));
    for (const gateway of moved) this.#own.add(gateway);
    for (const gateway of returned) this.#own.delete(gateway);
    return [...moved, ...returned];
  }

  /** The scope of a Gateway `<namespace>/<name>`. */
  scopeOf(gateway: string): string {
    return this.#own.has(gateway) ? gateway : SHARED;
  }
}
