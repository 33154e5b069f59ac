// What is counted per route, for so many routes at most: routes come and go, and a series that was made once is never free.

/** Routes with series of their own; those beyond share one, `other`. All of them are read in some 10 ms and make 3 MB of text. */
const MAX_ROUTES = 2_000;

/** Series by name of the route (`<namespace>/<name>`). */
export class ByRoute<Series> implements Iterable<readonly [string, Series]> {
  readonly #create: () => Series;
  readonly #series = new Map<string, Series>();

  constructor(create: () => Series) {
    this.#create = create;
  }

  /** The series that a route is counted in, made when it is new. */
  of(route: string): Series {
    const known = this.#series.get(route);
    if (known !== undefined) return known;
    const name = this.nameOf(route);
    const series = this.#series.get(name) ?? this.#create();
    this.#series.set(name, series);
    return series;
  }

  /** The name that a route is counted under: its own, or `other`. */
  nameOf(route: string): string {
    return this.#series.has(route) || this.#series.size < MAX_ROUTES ? route : 'other';
  }

  forget(name: string): void {
    this.#series.delete(name);
  }

  [Symbol.iterator](): Iterator<readonly [string, Series]> {
    return this.#series.entries();
  }
}
