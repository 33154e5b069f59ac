// The owner of a host on one port: the listener with the most specific host name that covers it (listener isolation, GEP-957). Listeners
// that cannot be served count too: an error in one listener must not give its hosts to another.
import { isDeepStrictEqual } from 'node:util';
import type { Listener } from '#api/ir/ir.ts';
import { compareText } from '#lib/compare-text.ts';
import { coveringPatterns } from './hostname.ts';

/** Listeners with the same host name. More than one only if Gateways share addresses; their routes then compete as equals. */
export interface ListenerGroup {
  readonly hostname: string;
  /** Keys of the served listeners, sorted. Empty: the host name is taken, but not served. */
  readonly listeners: readonly string[];
  /** The listeners that cannot be served, by key. */
  readonly unserved: readonly UnservedListener[];
}

/** A listener that is defined but cannot be served. It keeps its host name from less specific listeners. */
export interface UnservedListener {
  readonly key: string;
  readonly reason: string;
}

/** The listeners of one port, by key and by host name. Immutable; a group stays the same object until its members change. */
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

  /** The group of a listener, or null if the listener is on another port or is not served. */
  groupOf(key: string): ListenerGroup | null {
    const listener = this.#listeners.get(key);
    return listener === undefined || listener.unserved !== undefined ? null : (this.#groups.get(listener.hostname) ?? null);
  }

  /** The owner of a host or a pattern: the group with the most specific name that covers it, or null. */
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

  /** Host names whose group differs from that in the other index. */
  differences(other: ListenerIndex): Set<string> {
    const differing = new Set<string>();
    for (const hostname of [...this.#groups.keys(), ...other.#groups.keys()]) {
      if (this.#groups.get(hostname) !== other.#groups.get(hostname)) differing.add(hostname);
    }
    return differing;
  }

  #regroup(listeners: ReadonlyMap<string, Listener>): Map<string, ListenerGroup> {
    const groups = new Map<string, ListenerGroup>();
    for (const [hostname, members] of Map.groupBy(listeners.values(), (listener) => listener.hostname)) {
      const group = makeGroup(hostname, members);
      const known = this.#groups.get(hostname);
      groups.set(hostname, known !== undefined && isDeepStrictEqual(known, group) ? known : group);
    }
    return groups;
  }
}

function makeGroup(hostname: string, members: readonly Listener[]): ListenerGroup {
  const sorted = members.toSorted((a, b) => compareText(a.key, b.key));
  return Object.freeze({
    hostname,
    listeners: sorted.filter(({ unserved }) => unserved === undefined).map(({ key }) => key),
    unserved: sorted.flatMap(({ key, unserved }) => (unserved === undefined ? [] : [{ key, reason: unserved }])),
  });
}
