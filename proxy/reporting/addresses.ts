// The state of addresses in all workers of a proxy: the sum of open requests and connections, and each reason once, with its greatest age.
import type { AddressEntry, EndpointState } from '#api/wire/telemetry-messages.ts';

interface Known {
  readonly entry: AddressEntry;
  /** performance.now() when the worker reported it: its ages grow from then on. */
  readonly at: number;
}

export class Addresses {
  readonly #maximum: number;
  /** By address, then by worker. Addresses in their usual state are absent. */
  readonly #states = new Map<string, Map<string, Known>>();
  readonly #changed = new Set<string>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Addresses whose state is to be reported. */
  get waiting(): number {
    return this.#changed.size;
  }

  /** Takes the changed states of a worker. Above the maximum, further addresses have no state. */
  set(worker: string, entries: readonly AddressEntry[]): void {
    const at = performance.now();
    for (const entry of entries) {
      const known = this.#states.get(entry.endpoint);
      if (known === undefined && (isUsual(entry) || this.#states.size >= this.#maximum)) continue;
      const states = known ?? new Map<string, Known>();
      if (isUsual(entry)) states.delete(worker);
      else states.set(worker, { entry, at });
      this.#update(entry.endpoint, states);
    }
  }

  /** Forgets workers that are not among these. */
  keepWorkers(workers: ReadonlySet<string>): void {
    for (const [endpoint, states] of this.#states) {
      const gone = [...states.keys()].filter((worker) => !workers.has(worker));
      if (gone.length === 0) continue;
      for (const worker of gone) states.delete(worker);
      this.#update(endpoint, states);
    }
  }

  /** Forgets addresses that exist no more. */
  keep(exists: (endpoint: string) => boolean): void {
    for (const [endpoint, states] of this.#states) {
      if (exists(endpoint)) continue;
      states.clear();
      this.#update(endpoint, states);
    }
  }

  /** Reports all states again. */
  repeat(): void {
    this.#changed.clear();
    for (const endpoint of this.#states.keys()) this.#changed.add(endpoint);
  }

  /** Takes up to `count` changed states, while `spend` allows the bytes of the next. */
  take(count: number, spend: (bytes: number) => boolean): readonly AddressEntry[] {
    const taken: AddressEntry[] = [];
    for (const endpoint of this.#changed) {
      const entry = this.#sum(endpoint);
      if (taken.length === count || !spend(endpoint.length + 16 + 32 * entry.states.length)) break;
      this.#changed.delete(endpoint);
      taken.push(entry);
    }
    return taken;
  }

  #update(endpoint: string, states: Map<string, Known>): void {
    if (states.size === 0) this.#states.delete(endpoint);
    else this.#states.set(endpoint, states);
    this.#changed.add(endpoint);
  }

  #sum(endpoint: string): AddressEntry {
    const known = [...(this.#states.get(endpoint)?.values() ?? [])];
    const now = performance.now();
    const ages = new Map<string, number>();
    for (const { entry, at } of known) {
      for (const { reason, ageMs } of entry.states) ages.set(reason, Math.max(ages.get(reason) ?? 0, Math.round(ageMs + now - at)));
    }
    return {
      endpoint,
      inFlight: known.reduce((sum, { entry }) => sum + entry.inFlight, 0),
      connections: known.reduce((sum, { entry }) => sum + entry.connections, 0),
      states: Array.from(ages, ([reason, ageMs]): EndpointState => ({ reason, ageMs })),
    };
  }
}

function isUsual({ inFlight, connections, states }: AddressEntry): boolean {
  return inFlight === 0 && connections === 0 && states.length === 0;
}
