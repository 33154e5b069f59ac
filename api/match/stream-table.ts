// Who gets a connection that is passed on as a whole: by the listener it came in at and the server name of its handshake.
import type { StreamRoute } from '#api/ir/ir.ts';
import { coveringPatterns } from './hostname.ts';
import { compareRules } from './rule-order.ts';

/** The route of a connection, and the listener that it is attached to. */
export interface StreamFound {
  readonly listener: string;
  readonly route: StreamRoute;
}

/** The stream routes of a proxy by listener and host name. Made anew for every change of them. */
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
   * The route for a server name ('' without one), or null: the most specific host name wins, among equals the older route.
   * `listeners`: keys of those that the connection may have come in at; more than one only when Gateways share addresses.
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
