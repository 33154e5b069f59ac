// Series per listener and route. The number of pairs is limited, since routes come and go and each series takes memory.
import { gatewayOfListener } from '#api/ir/listener-key.ts';
import type { Labels } from '#lib/metric.ts';

/** Listener and route of traffic, as in the access log. */
interface Origin {
  /** Key of the listener; '' without one. */
  readonly listener: string;
  /** Key of the route; '' without one. */
  readonly route: string;
}

/** The series of one origin, and their labels. */
export interface Counted<Series> {
  readonly labels: Labels;
  readonly series: Series;
}

const OTHER = { gateway: 'other', listener: 'other', route: 'other' };

export class ByOrigin<Series> implements Iterable<Counted<Series>> {
  readonly #create: () => Series;
  readonly #maximum: number;
  /** By listener and route. */
  readonly #known = new Map<string, Map<string, Counted<Series>>>();
  #size = 0;
  #other: Counted<Series> | null = null;

  /** `maximum`: the number of origins with separate series; further origins share one set. */
  constructor(maximum: number, create: () => Series) {
    this.#maximum = maximum;
    this.#create = create;
  }

  /** The series of an origin; creates missing ones. */
  of(listener: string, route: string): Series {
    return this.#find(listener, route).series;
  }

  /** The series of an origin with their labels; further origins share the series of `other`. */
  #find(listener: string, route: string): Counted<Series> {
    const counted = this.#known.get(listener)?.get(route);
    if (counted !== undefined) return counted;
    if (this.#size >= this.#maximum) return (this.#other ??= { labels: OTHER, series: this.#create() });
    const made = { labels: labelsOf({ listener, route }), series: this.#create() };
    this.#size++;
    let routes = this.#known.get(listener);
    if (routes === undefined) this.#known.set(listener, (routes = new Map()));
    routes.set(route, made);
    return made;
  }

  /** Drops idle series, except those of `other`. */
  forget(isIdle: (series: Series) => boolean): void {
    for (const [listener, routes] of this.#known) {
      for (const [route, { series }] of routes) {
        if (!isIdle(series)) continue;
        routes.delete(route);
        this.#size--;
      }
      if (routes.size === 0) this.#known.delete(listener);
    }
  }

  *[Symbol.iterator](): Iterator<Counted<Series>> {
    for (const routes of this.#known.values()) yield* routes.values();
    if (this.#other !== null) yield this.#other;
  }
}

function labelsOf({ listener, route }: Origin): Labels {
  return { gateway: listener === '' ? 'none' : gatewayOfListener(listener), listener: listener || 'none', route: route || 'none' };
}
