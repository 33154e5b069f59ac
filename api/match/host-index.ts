// The host names of one port: exact ones in a map, wildcards in a radix tree read from the end of the host, and "any".
import { isWildcard } from './hostname.ts';
import type { ListenerGroup } from './listener-index.ts';
import type { PathTree } from './path-tree.ts';
import { PersistentMap } from './persistent-map.ts';
import { radixChild, radixEntries, radixGet, radixSet, type RadixNode } from './radix.ts';

/**
 * A host name pattern with the matches of its owner. A pattern has one owner: less specific listeners never answer for hosts of this
 * pattern, so their routes are left out.
 */
export interface HostSlot {
  readonly pattern: string;
  readonly group: ListenerGroup;
  readonly tree: PathTree;
}

/** Immutable: a change creates a new index. */
export class HostIndex {
  readonly #exact: PersistentMap<HostSlot>;
  /** Keys are suffixes with their dot, reversed: `*.b.c` is `c.b.`. */
  readonly #wildcards: RadixNode<HostSlot> | null;
  readonly #any: HostSlot | null;

  private constructor(exact: PersistentMap<HostSlot>, wildcards: RadixNode<HostSlot> | null, any: HostSlot | null) {
    this.#exact = exact;
    this.#wildcards = wildcards;
    this.#any = any;
  }

  static readonly EMPTY = new HostIndex(PersistentMap.empty(), null, null);

  /** The most specific slot for a host, or null. */
  first(host: string): HostSlot | null {
    return this.#exact.get(host) ?? this.#wildcard(host, host.length) ?? this.#any;
  }

  /** The next, less specific slot. */
  next(host: string, slot: HostSlot): HostSlot | null {
    if (slot === this.#any) return null;
    return this.#wildcard(host, slot.pattern.length - (isWildcard(slot.pattern) ? 1 : 0)) ?? this.#any;
  }

  /** The slot of exactly this pattern, or null. */
  get(pattern: string): HostSlot | null {
    if (pattern === '') return this.#any;
    return isWildcard(pattern) ? radixGet(this.#wildcards, reversedSuffix(pattern)) : this.#exact.get(pattern);
  }

  /** An index with these slots set by pattern; null removes a slot. */
  with(changes: ReadonlyMap<string, HostSlot | null>): HostIndex {
    const exact = new Map<string, HostSlot | null>();
    let wildcards = this.#wildcards;
    let any = this.#any;
    for (const [pattern, slot] of changes) {
      if (pattern === '') any = slot;
      else if (isWildcard(pattern)) wildcards = radixSet(wildcards, reversedSuffix(pattern), slot);
      else exact.set(pattern, slot);
    }
    return new HostIndex(this.#exact.with(exact), wildcards, any);
  }

  /** All slots, in no particular order. */
  *slots(): Generator<HostSlot> {
    for (const [, slot] of this.#exact.entries()) yield slot;
    for (const [, slot] of radixEntries(this.#wildcards)) yield slot;
    if (this.#any !== null) yield this.#any;
  }

  /** The slot with the longest wildcard suffix of fewer than `limit` characters (dot included) that the host ends with. */
  #wildcard(host: string, limit: number): HostSlot | null {
    let node = this.#wildcards;
    let end = host.length;
    let found: HostSlot | null = null;
    while (node !== null) {
      end = endBefore(host, end, node.label);
      if (end <= 0 || host.length - end >= limit) break;
      if (node.value !== null) found = node.value;
      node = radixChild(node, host.charCodeAt(end - 1));
    }
    return found;
  }
}

/** The end of the remaining host after the label, which is compared backwards; -1 if the host differs. */
function endBefore(host: string, end: number, label: string): number {
  if (label.length > end) return -1;
  for (let i = 0; i < label.length; i++) {
    if (host.charCodeAt(end - 1 - i) !== label.charCodeAt(i)) return -1;
  }
  return end - label.length;
}

function reversedSuffix(pattern: string): string {
  return [...pattern.slice(1)].reverse().join('');
}
