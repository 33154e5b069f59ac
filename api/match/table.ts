// The routing table of one port: listener, then host, then path, then the rest. The proxy asks it for every request, the
// controller, the CLI and the dashboard ask the same code why.
import type { Listener, Route } from '#api/ir/ir.ts';
import { changeParts, EMPTY_PARTS, type TableChange, type TableParts } from './change.ts';
import { findInTree } from './path-tree.ts';
import type { Found, MatchRequest, RouteProblem } from './request.ts';

export type { TableChange } from './change.ts';
export type { Found, MatchRequest, RouteProblem } from './request.ts';

/** A frozen routing table. `with` makes the next one; exchanges that hold this one go on using it. */
export class RouteTable {
  /** The structure itself, for `explain` and `print`. */
  readonly parts: TableParts;

  constructor(parts: TableParts) {
    this.parts = parts;
    Object.freeze(this);
  }

  /** What could not be used, sorted by route key. */
  get problems(): readonly RouteProblem[] {
    return this.parts.problems;
  }

  /** How many host names were built anew for this table; all others are shared with the one before. For tests and metrics. */
  get hostsRebuilt(): number {
    return this.parts.hostsRebuilt;
  }

  /**
   * The match that wins, or null: the precedence of the Gateway API. The listener with the most specific host name that
   * covers the host has the request to itself (listener isolation); its routes are tried by host name, exact before longer
   * wildcard before shorter, then by path. Allocates nothing but what expressions and repeated headers need.
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
   * Key of the listener a host belongs to, or null. Where SNI picked another one and `find` answers null, this tells a
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

  /** The table after a change. Costs as much as the host names and paths that change, whatever the size of the table. */
  with(change: TableChange): RouteTable {
    return new RouteTable(changeParts(this.parts, change));
  }
}

/**
 * Builds the table of one port from its listeners and the routes attached to them; attachments to other listeners are
 * ignored. Never throws for what is in a route: see `problems`.
 */
export function buildTable(listeners: readonly Listener[], routes: readonly Route[]): RouteTable {
  return new RouteTable(changeParts(EMPTY_PARTS, { listeners, routes }));
}
