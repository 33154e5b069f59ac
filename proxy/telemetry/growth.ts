// The growth of counters since they were last read, for reports: the counters themselves only grow.

/** Reads in turns: what one reading has no room for comes first in the next. */
export class Turns<Item> {
  readonly #items: () => Iterable<Item>;
  #rest: Iterator<Item> | null = null;

  /** Items may be added and removed between readings. */
  constructor(items: () => Iterable<Item>) {
    this.#items = items;
  }

  /** Calls `take` for the items in turn, until it has returned true `room` times or every item had its turn. */
  read(room: number, take: (item: Item) => boolean): void {
    let left = room;
    for (let rounds = this.#rest === null ? 1 : 2; rounds > 0; rounds--) {
      this.#rest ??= this.#items()[Symbol.iterator]();
      for (let next = this.#rest.next(); next.done !== true; next = this.#rest.next()) {
        if (take(next.value)) left--;
        if (left === 0) return;
      }
      this.#rest = null;
    }
  }
}

/** The growth of the counters of a series. */
export class Growth {
  readonly #counted = new WeakMap<object, Map<string, number>>();

  /** The growth by counter since the last call for this series, without counters that have not grown; null if none has. */
  of(series: object, counters: Iterable<readonly [string, number]>): ReadonlyMap<string, number> | null {
    const counted = this.#counted.get(series) ?? new Map<string, number>();
    let grown: Map<string, number> | null = null;
    for (const [name, value] of counters) {
      const growth = value - (counted.get(name) ?? 0);
      if (growth === 0) continue;
      counted.set(name, value);
      (grown ??= new Map()).set(name, growth);
    }
    if (grown !== null) this.#counted.set(series, counted);
    return grown;
  }
}
