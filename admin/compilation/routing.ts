// The routing of a configuration: a table for each port, as proxies have them, made when the first request for the port comes.
import type * as ir from '#api/ir/ir.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import { buildTable, type RouteTable } from '#api/match/table.ts';
import type { RequestHead } from './request-head.ts';

/** Where a request goes. */
export interface Destination {
  /** The key of the rule; '' if no rule takes the request. */
  readonly route: string;
  /** The clusters of the rule with their weights, as one text. */
  readonly backends: string;
  /** Why the proxy answers by itself; '' if a backend gets the request. */
  readonly refusal: string;
}

export class Routing {
  readonly #listeners: readonly ir.Listener[];
  readonly #routes: readonly ir.Route[];
  readonly #tables = new Map<number, RouteTable>();

  constructor(resources: Iterable<EncodedResource>) {
    const all = [...resources].filter(({ kind }) => kind === 'Listener' || kind === 'Route');
    const decoded = all.map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
    this.#listeners = decoded.filter((resource) => resource.kind === 'Listener');
    this.#routes = decoded.filter((resource) => resource.kind === 'Route');
  }

  /** The port of a listener; null if there is no such listener. */
  portOf(listener: string): number | null {
    return this.#listeners.find(({ key }) => key === listener)?.port ?? null;
  }

  destinationOf(request: RequestHead, port: number): Destination {
    const table = this.#tableOf(port);
    const found = table.find(request);
    if (found !== null) return destination(found.route, found.invalidReason);
    if (table.listenerOf(request.host) === null) return refused('no listener takes the host');
    return refused(table.isUnserved(request.host) ? 'the listener cannot be served' : 'no rule matches');
  }

  #tableOf(port: number): RouteTable {
    const known = this.#tables.get(port);
    if (known !== undefined) return known;
    const listeners = this.#listeners.filter((listener) => listener.port === port && listener.protocol !== 'UDP');
    const table = buildTable(listeners, this.#routes);
    this.#tables.set(port, table);
    return table;
  }
}

function refused(refusal: string): Destination {
  return { route: '', backends: '', refusal };
}

function destination({ key, backends }: ir.Route, invalidReason: string | null): Destination {
  const used = backends.filter(({ weight }) => weight > 0);
  const names = used.map(({ cluster, weight }) => (used.length === 1 ? (cluster ?? '') : `${cluster ?? 'none'} (${weight})`));
  const isInvalid = used.length > 0 && used.every(({ cluster }) => cluster === null);
  return { route: key, backends: names.join(', '), refusal: invalidReason ?? (isInvalid ? 'no backend of the rule is valid' : '') };
}
