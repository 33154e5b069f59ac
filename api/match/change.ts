// Computes the next table from a change: finds the affected host names and rebuilds only those.
import type { Listener, Route } from '#api/ir/ir.ts';
import type { Candidate } from './candidate.ts';
import { compileRoute, type CompiledRoute } from './compile-route.ts';
import { HostIndex, type HostSlot } from './host-index.ts';
import { coveringPatterns } from './hostname.ts';
import { ListenerIndex } from './listener-index.ts';
import { changeTree, EMPTY_TREE } from './path-tree.ts';
import { PersistentMap } from './persistent-map.ts';
import type { RouteProblem } from './request.ts';

/** The parts of a table. All are persistent: a new version shares the unchanged parts. */
export interface TableParts {
  readonly listeners: ListenerIndex;
  readonly routes: PersistentMap<CompiledRoute>;
  readonly hosts: HostIndex;
  readonly problems: readonly RouteProblem[];
  readonly hostsRebuilt: number;
}

/** A change: added or replaced resources, and removed keys. A key in both is replaced. */
export interface TableChange {
  readonly routes?: readonly Route[];
  readonly removedRoutes?: readonly string[];
  readonly listeners?: readonly Listener[];
  readonly removedListeners?: readonly string[];
}

/** The table of a port without listeners. */
export const EMPTY_PARTS: TableParts = Object.freeze({
  listeners: ListenerIndex.EMPTY,
  routes: PersistentMap.empty<CompiledRoute>(),
  hosts: HostIndex.EMPTY,
  problems: [],
  hostsRebuilt: 0,
});

/** Applies a change. */
export function changeParts(parts: TableParts, change: TableChange): TableParts {
  const listeners = parts.listeners.with(change.listeners ?? [], change.removedListeners ?? []);
  const changedRoutes = compileChanged(change, parts.routes);
  const routes = parts.routes.with(changedRoutes);
  const edits = new HostEdits(listeners, listeners.differences(parts.listeners));
  for (const [key, compiled] of changedRoutes) edits.replace(parts.routes.get(key), compiled);
  edits.regroup(parts.hosts, routes);
  const slots = edits.build(parts.hosts);
  return Object.freeze({
    listeners,
    routes,
    hosts: parts.hosts.with(slots),
    problems: changeProblems(parts.problems, changedRoutes),
    hostsRebuilt: slots.size,
  });
}

function compileChanged(change: TableChange, known: PersistentMap<CompiledRoute>): Map<string, CompiledRoute | null> {
  const changed = new Map<string, CompiledRoute | null>();
  for (const key of change.removedRoutes ?? []) if (known.get(key) !== null) changed.set(key, null);
  for (const route of change.routes ?? []) {
    if (known.get(route.key)?.route === route) changed.delete(route.key);
    else changed.set(route.key, compileRoute(route));
  }
  return changed;
}

function changeProblems(problems: readonly RouteProblem[], changed: ReadonlyMap<string, CompiledRoute | null>): readonly RouteProblem[] {
  const kept = problems.filter((problem) => !changed.has(problem.routeKey));
  const added = [...changed.values()].flatMap((compiled) => compiled?.problems ?? []);
  if (added.length === 0 && kept.length === problems.length) return problems;
  return Object.freeze(kept.concat(added).sort((a, b) => (a.routeKey < b.routeKey ? -1 : Number(a.routeKey > b.routeKey))));
}

/** The edits for one host name. `fresh`: the slot is built from scratch, because its owner changed. */
interface HostEdit {
  readonly removed: Candidate[];
  readonly added: Candidate[];
  readonly fresh: boolean;
}

/** Collects the edits by host name, then builds each slot once. Used for one change. */
class HostEdits {
  readonly #listeners: ListenerIndex;
  /** Host names of listeners that were added, removed or regrouped: every pattern that they cover may have a new owner. */
  readonly #regrouped: ReadonlySet<string>;
  readonly #edits = new Map<string, HostEdit>();

  constructor(listeners: ListenerIndex, regrouped: ReadonlySet<string>) {
    this.#listeners = listeners;
    this.#regrouped = regrouped;
  }

  /** A route replaces another; either may be null. */
  replace(before: CompiledRoute | null, after: CompiledRoute | null): void {
    this.#collect(before, 'removed', false);
    this.#collect(after, 'added', false);
  }

  /** Rebuilds the slots that the changed listeners affect: existing slots, slots of listeners, slots of routes. */
  regroup(hosts: HostIndex, routes: PersistentMap<CompiledRoute>): void {
    if (this.#regrouped.size === 0) return;
    for (const { pattern } of hosts.slots()) if (this.#isRegrouped(pattern)) this.#edit(pattern);
    for (const hostname of this.#regrouped) this.#edit(hostname);
    for (const [, compiled] of routes.entries()) this.#collect(compiled, 'added', true);
  }

  /** The new slots by pattern; null: the pattern has no slot any more. */
  build(hosts: HostIndex): Map<string, HostSlot | null> {
    const slots = new Map<string, HostSlot | null>();
    for (const [pattern, edit] of this.#edits) slots.set(pattern, this.#slot(pattern, edit, hosts));
    return slots;
  }

  #slot(pattern: string, edit: HostEdit, hosts: HostIndex): HostSlot | null {
    const group = this.#listeners.owner(pattern);
    if (group === null) return null;
    const before = edit.fresh ? EMPTY_TREE : (hosts.get(pattern)?.tree ?? EMPTY_TREE);
    const tree = changeTree(before, edit.removed, edit.added);
    // A listener without routes also keeps its hosts from less specific listeners.
    if (tree === EMPTY_TREE && group.hostname !== pattern) return null;
    return Object.freeze({ pattern, group, tree });
  }

  #collect(compiled: CompiledRoute | null, side: 'removed' | 'added', regrouped: boolean): void {
    for (const attachment of compiled?.attached ?? []) {
      const group = this.#listeners.groupOf(attachment.listener);
      for (const pattern of new Set(attachment.hostnames)) {
        if (group === null || this.#isRegrouped(pattern) !== regrouped || this.#listeners.owner(pattern) !== group) continue;
        this.#edit(pattern)[side].push(...attachment.candidates);
      }
    }
  }

  #edit(pattern: string): HostEdit {
    const known = this.#edits.get(pattern);
    if (known !== undefined) return known;
    const edit = { removed: [], added: [], fresh: this.#isRegrouped(pattern) };
    this.#edits.set(pattern, edit);
    return edit;
  }

  #isRegrouped(pattern: string): boolean {
    if (this.#regrouped.size === 0) return false;
    for (const covering of coveringPatterns(pattern)) if (this.#regrouped.has(covering)) return true;
    return false;
  }
}
