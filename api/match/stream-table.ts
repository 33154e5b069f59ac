// Routes whole connections by their listener and the server name of their handshake.
import type { StreamRoute } from '#api/ir/ir.ts';
import { coveringPatterns } from './hostname.ts';
import { compareRules } from './rule-order.ts';

/** The route of a connection, and its listener. */
export interface StreamFound {
  readonly listener: string;
  readonly route: StreamRoute;
}

/** The stream routes of a proxy by listener and host name. Every change creates a new table. */
export class StreamTable {
  readonly #listeners: ReadonlyMap<string, ReadonlyMap<string, StreamRoute>>;

  private constructor(listeners: ReadonlyMap<string, ReadonlyMap<string, StreamRoute>>) {
    this.#listeners = listeners;
  }

  static readonly EMPTY = new StreamTable(new Map());

  static build(routes: Iterable<StreamRoute>): StreamTable {
    const listeners = new Map<string, Map<string, StreamRoute>>();
    for (const route of routes) {
      for (const { listener, hostnames } of route.attachments) {
        const hosts = listeners.get(listener) ?? new Map<string, StreamRoute>();
        listeners.set(listener, hosts);
        for (const hostname of hostnames) hosts.set(hostname, preferred(hosts.get(hostname), route));
      }
    }
    return new StreamTable(listeners);
  }

  /**
   * The route for a server name ('' if absent), or null: the most specific host name wins, then the older route. `listeners`: keys of the
   * listeners that the connection may belong to; more than one only if Gateways share addresses.
   */
  find(listeners: readonly string[], serverName: string): StreamFound | null {
    for (const pattern of coveringPatterns(serverName)) {
      let found: StreamFound | null = null;
      for (const listener of listeners) {
        const route = this.#listeners.get(listener)?.get(pattern);
        if (route !== undefined && preferred(found?.route, route) === route) found = { listener, route };
      }
      if (found !== null) return found;
    }
    return null;
  }
}

function preferred(known: StreamRoute | undefined, other: StreamRoute): StreamRoute {
  return known === undefined || compareRules(other, known) < 0 ? other : known;
}
