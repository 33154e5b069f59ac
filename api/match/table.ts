// The routing table of one port: listener, then host, then path, then the other conditions. The proxy uses it for every request; the
// controller and the CLI use the same code to explain.
import type { Listener, Route } from '#api/ir/ir.ts';
import { changeParts, EMPTY_PARTS, type TableChange, type TableParts } from './change.ts';
import { findInTree } from './path-tree.ts';
import type { Found, MatchRequest, RouteProblem } from './request.ts';

export type { TableChange } from './change.ts';
export type { Found, MatchRequest, RouteProblem } from './request.ts';

/** A frozen routing table. `with` creates the next one; exchanges with this one continue to use it. */
export class RouteTable {
  /** The internal structure, for `explain` and `print`. */
  readonly parts: TableParts;

  constructor(parts: TableParts) {
    this.parts = parts;
    Object.freeze(this);
  }

  /** The unusable parts of routes, sorted by route key. */
  get problems(): readonly RouteProblem[] {
    return this.parts.problems;
  }

  /** The number of host names that were rebuilt for this table; it shares the others with its predecessor. For tests and metrics. */
  get hostsRebuilt(): number {
    return this.parts.hostsRebuilt;
  }

  /**
   * The winning match, or null, by the precedence of the Gateway API. The listener with the most specific host name that covers the host
   * owns the request (listener isolation). Its routes are tried by host name, exact before longer wildcard before shorter, then by path.
   * Allocates only for expressions and repeated headers.
   */
  find(request: MatchRequest): Found | null {
    const { hosts, listeners } = this.parts;
    const host = request.host;
    let slot = hosts.first(host);
    if (slot === null) return null;
    const group = slot.group;
    if (request.listener !== undefined && request.listener !== '' && listeners.groupOf(request.listener) !== group) return null;
    do {
      const found = findInTree(slot.tree, request);
      if (found !== null) return found;
      slot = hosts.next(host, slot);
    } while (slot !== null && slot.group === group);
    return null;
  }

  /**
   * Key of the listener that owns a host, or null. If SNI selected another listener and `find` returns null, this distinguishes a
   * misdirected request (421) from one without a route (404), see GEP-3567.
   */
  listenerOf(host: string): string | null {
    const group = this.parts.hosts.first(host)?.group;
    return group === undefined ? null : (group.listeners[0] ?? group.unserved[0]?.key ?? null);
  }

  /** Whether a host belongs to a listener that cannot be served: then no route answers for it. */
  isUnserved(host: string): boolean {
    return this.parts.hosts.first(host)?.group.listeners.length === 0;
  }

  /** The table after a change. The cost depends on the changed host names and paths, not on the size of the table. */
  with(change: TableChange): RouteTable {
    return new RouteTable(changeParts(this.parts, change));
  }
}

/**
 * Builds the table of one port from its listeners and their routes; attachments to other listeners are ignored. Never throws for invalid
 * routes: see `problems`.
 */
export function buildTable(listeners: readonly Listener[], routes: readonly Route[]): RouteTable {
  return new RouteTable(changeParts(EMPTY_PARTS, { listeners, routes }));
}
