// A queue by rank and caller: a lower rank is served first, and callers of a rank take turns, so that a caller with many items does not
// delay those with few.

/** The items of one caller, oldest first; never empty. */
interface Lane<T> {
  readonly caller: string;
  readonly items: T[];
}

/** The lanes of one rank, in the order of their turns. */
class Rank<T> {
  readonly lanes: Lane<T>[] = [];
  readonly #byCaller = new Map<string, Lane<T>>();

  /** The number of items of a caller. */
  count(caller: string): number {
    return this.#byCaller.get(caller)?.items.length ?? 0;
  }

  push(item: T, caller: string): void {
    const known = this.#byCaller.get(caller);
    if (known !== undefined) {
      known.items.push(item);
      return;
    }
    const lane = { caller, items: [item] };
    this.#byCaller.set(caller, lane);
    this.lanes.push(lane);
  }

  /** Takes the oldest item of the caller whose turn it is; there is one. */
  shift(): T {
    const lane = this.lanes.shift() as Lane<T>;
    const item = lane.items.shift() as T;
    if (lane.items.length > 0) this.lanes.push(lane);
    else this.#byCaller.delete(lane.caller);
    return item;
  }

  remove(item: T): boolean {
    return this.lanes.some((lane) => {
      const place = lane.items.indexOf(item);
      return place >= 0 && this.#take(lane, place) !== undefined;
    });
  }

  /** The caller with the most items. */
  longest(): Lane<T> | undefined {
    let longest = this.lanes[0];
    for (const lane of this.lanes) if (lane.items.length > (longest as Lane<T>).items.length) longest = lane;
    return longest;
  }

  /** Takes the newest item of a lane. */
  pop(lane: Lane<T>): T {
    return this.#take(lane, lane.items.length - 1);
  }

  #take(lane: Lane<T>, place: number): T {
    const [item] = lane.items.splice(place, 1);
    if (lane.items.length === 0) {
      this.lanes.splice(this.lanes.indexOf(lane), 1);
      this.#byCaller.delete(lane.caller);
    }
    return item as T;
  }
}

export class FairQueue<T extends object> implements Iterable<T> {
  readonly #ranks: readonly Rank<T>[];
  #length = 0;

  /** Ranks are 0 to `ranks` - 1. */
  constructor(ranks: number) {
    this.#ranks = Array.from({ length: ranks }, () => new Rank<T>());
  }

  get length(): number {
    return this.#length;
  }

  /** The item that `shift` would take. */
  get first(): T | undefined {
    return this.#length === 0 ? undefined : this.#next()?.lanes[0]?.items[0];
  }

  push(item: T, rank: number, caller: string): void {
    (this.#ranks[rank] as Rank<T>).push(item, caller);
    this.#length++;
  }

  /** Takes the next item. */
  shift(): T | undefined {
    // The usual case: nothing waits.
    if (this.#length === 0) return undefined;
    this.#length--;
    return this.#next()?.shift();
  }

  /** False: the item is not in the queue. */
  remove(item: T): boolean {
    const found = this.#ranks.some((rank) => rank.remove(item));
    if (found) this.#length--;
    return found;
  }

  /**
   * Makes room for an item of this rank and caller in a full queue: takes the newest item of the last rank if that rank is behind, or that
   * of the caller with the most items if the new one still has fewer. Undefined: the new item is the one to refuse.
   */
  displace(rank: number, caller: string): T | undefined {
    const last = this.#ranks.findLast(({ lanes }) => lanes.length > 0);
    const longest = last?.longest();
    if (last === undefined || longest === undefined) return undefined;
    const place = this.#ranks.indexOf(last);
    if (place < rank || (place === rank && longest.items.length <= last.count(caller) + 1)) return undefined;
    this.#length--;
    return last.pop(longest);
  }

  /** All items, by rank and caller. */
  *[Symbol.iterator](): Iterator<T> {
    for (const { lanes } of this.#ranks) for (const { items } of lanes) yield* items;
  }

  #next(): Rank<T> | undefined {
    return this.#ranks.find(({ lanes }) => lanes.length > 0);
  }
}
