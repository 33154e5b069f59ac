// Who owns a host on one port: the listener with the most specific host name that covers it (listener isolation, GEP-957).
import type { Listener } from '#api/ir/ir.ts';
import { coveringPatterns } from './hostname.ts';

/** Listeners of the same host name. More than one only when Gateways share addresses; their routes then compete as equals. */
export interface ListenerGroup {
  readonly hostname: string;
  /** Keys, sorted. */
  readonly listeners: readonly string[];
}

/** The listeners of one port, by key and by host name. Never changed; a group stays the same object while its members do. */
export class ListenerIndex {
  readonly #listeners: ReadonlyMap<string, Listener>;
  readonly #groups: ReadonlyMap<string, ListenerGroup>;

  private constructor(listeners: ReadonlyMap<string, Listener>, groups: ReadonlyMap<string, ListenerGroup>) {
    this.#listeners = listeners;
    this.#groups = groups;
  }

  static readonly EMPTY = new ListenerIndex(new Map(), new Map());

  /** An index with these listeners added or replaced, and those keys removed. */
  with(changed: readonly Listener[], removed: readonly string[]): ListenerIndex {
    if (changed.length === 0 && removed.length === 0) return this;
    const listeners = new Map(this.#listeners);
    for (const key of removed) listeners.delete(key);
    for (const listener of changed) listeners.set(listener.key, listener);
    return new ListenerIndex(listeners, this.#regroup(listeners));
  }

  get(key: string): Listener | null {
    return this.#listeners.get(key) ?? null;
  }

  /** The group a listener belongs to, or null when the listener is on another port. */
  groupOf(key: string): ListenerGroup | null {
    const listener = this.#listeners.get(key);
    return listener === undefined ? null : (this.#groups.get(listener.hostname) ?? null);
  }

  /** The group that owns a host or a pattern: the most specific one that covers it, or null. */
  owner(pattern: string): ListenerGroup | null {
    for (const covering of coveringPatterns(pattern)) {
      const group = this.#groups.get(covering);
      if (group !== undefined) return group;
    }
    return null;
  }

  groups(): Iterable<ListenerGroup> {
    return this.#groups.values();
  }

  /** Host names whose group is not the same in the other index. */
  differences(other: ListenerIndex): Set<string> {
    const differing = new Set<string>();
    for (const hostname of [...this.#groups.keys(), ...other.#groups.keys()]) {
      if (this.#groups.get(hostname) !== other.#groups.get(hostname)) differing.add(hostname);
    }
    return differing;
  }

  #regroup(listeners: ReadonlyMap<string, Listener>): Map<string, ListenerGroup> {
    const members = new Map<string, string[]>();
    for (const { key, hostname } of listeners.values()) {
      const keys = members.get(hostname);
      if (keys === undefined) members.set(hostname, [key]);
      else keys.push(key);
    }
    const groups = new Map<string, ListenerGroup>();
    for (const [hostname, keys] of members) {
      keys.sort();
      const known = this.#groups.get(hostname);
      const same = known !== undefined && known.listeners.join() === keys.join();
      groups.set(hostname, same ? known : Object.freeze({ hostname, listeners: keys }));
    }
    return groups;
  }
}
