// What is counted by where traffic belongs, listener and route, for so many pairs at most: routes come and go, and a series that was
// made once is never free.
import { gatewayOfListener } from '#api/ir/listener-key.ts';
import type { Labels } from '#lib/metric.ts';

/** Where traffic belongs, in the words of the access log. */
interface Origin {
  /** Key of the listener; '' where none was found. */
  readonly listener: string;
  /** Key of the route; '' where none matched. */
  readonly route: string;
}

/** The series of one origin, and the labels that they carry. */
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

  /** `maximum`: origins with series of their own; those beyond share one. */
  constructor(maximum: number, create: () => Series) {
    this.#maximum = maximum;
    this.#create = create;
  }

  /** The series that traffic is counted in, made when they are new. */
  of(listener: string, route: string): Series {
    return this.#find(listener, route).series;
  }

  /** The series, and which they are: traffic that belongs to others may share them. */
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

  /** Drops the series for which this is true, those of `other` excepted. */
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
