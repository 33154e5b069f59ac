// Which proxies serve which Gateways: a scope is what one fleet of proxies may read.
import type { CompileDelta } from './result.ts';

/** The scope of the proxies that Gateways share. Every other scope is called `<namespace>/<name>`, as its Gateway. */
export const SHARED = 'shared';

/** The part of a delta that moves Gateways from scope to scope. */
export interface FleetDelta {
  readonly fleets: readonly Pick<CompileDelta['fleets'][number], 'gateway'>[];
  readonly fleetsGone: readonly string[];
}

/** Which Gateways have proxies to themselves, as of the last delta. */
export class FleetScopes {
  readonly #own = new Set<string>();

  /** Takes a delta; answers with the Gateways that have another scope now. */
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
