// The counters of plugins, across the workers of a proxy: each worker adds to a sum of its own, tells it to the others, and reads all sums
// together. No addition is lost or counted twice; those of other workers arrive a moment later.
import { randomUUID } from 'node:crypto';
import type { Broadcast } from '../exchange/notices.ts';

/** Of the counters of one plugin: more names would be a leak. */
const MAX_NAMES = 100;
/** Sums go to the other workers at this interval, milliseconds. */
const INTERVAL = 50;

/** A counter of a plugin. */
interface Sum {
  own: number;
  /** Of other workers, also of those that have ended. */
  readonly others: Map<string, number>;
}

export class SharedCounters {
  readonly #broadcast: Broadcast;
  readonly #worker = randomUUID();
  readonly #byPlugin = new Map<string, Map<string, Sum>>();
  /** Counters with a sum that the others do not know. */
  readonly #changed = new Map<string, Sum>();
  #timer: NodeJS.Timeout | null = null;

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
    broadcast.subscribe('pluginCounted', (key, value) => {
      const [worker, plugin, name] = JSON.parse(key) as [string, string, string];
      this.#sum(plugin, name)?.others.set(worker, value ?? 0);
    });
  }

  /** Adds to a counter and returns the sum. Beyond the greatest number of names the sum is that of nothing. */
  add(plugin: string, name: string, by: number): number {
    const sum = by === 0 ? (this.#byPlugin.get(plugin)?.get(name) ?? null) : this.#sum(plugin, name);
    if (sum === null) return 0;
    if (by !== 0) this.#change(plugin, name, sum, by);
    return [...sum.others.values()].reduce((all, each) => all + each, sum.own);
  }

  /** Tells the others at once. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const [key, { own }] of this.#changed) this.#broadcast.publish('pluginCounted', key, own);
    this.#changed.clear();
  }

  #change(plugin: string, name: string, sum: Sum, by: number): void {
    sum.own += by;
    this.#changed.set(JSON.stringify([this.#worker, plugin, name]), sum);
    this.#timer ??= setTimeout(() => this.flush(), INTERVAL).unref();
  }

  /** Null: the plugin has too many counters. */
  #sum(plugin: string, name: string): Sum | null {
    let sums = this.#byPlugin.get(plugin);
    if (sums === undefined) this.#byPlugin.set(plugin, (sums = new Map()));
    let sum = sums.get(name);
    if (sum === undefined && sums.size >= MAX_NAMES) return null;
    if (sum === undefined) sums.set(name, (sum = { own: 0, others: new Map() }));
    return sum;
  }
}
