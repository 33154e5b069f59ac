// The stream routes of a proxy with their plans. They are found per connection, not per request, so the table is made anew with the
// first connection after a change.
import type * as ir from '#api/ir/ir.ts';
import { StreamTable } from '#api/match/stream-table.ts';
import type { StreamPlan } from '../exchange/stream-plan.ts';
import type { ClusterMap } from './cluster-map.ts';
import { buildStreamPlan } from './plan.ts';

export class StreamRoutes {
  readonly #clusters: ClusterMap;
  readonly #routes = new Map<string, ir.StreamRoute>();
  readonly #plans = new WeakMap<ir.StreamRoute, StreamPlan>();
  #table: StreamTable | null = StreamTable.EMPTY;

  constructor(clusters: ClusterMap) {
    this.#clusters = clusters;
  }

  set(route: ir.StreamRoute): void {
    this.#plans.set(
      route,
      buildStreamPlan(route, (key) => this.#clusters.get(key)),
    );
    this.#clusters.use(route, this.#routes.get(route.key));
    this.#routes.set(route.key, route);
    this.#table = null;
  }

  remove(key: string): void {
    this.#clusters.use(undefined, this.#routes.get(key));
    this.#routes.delete(key);
    this.#table = null;
  }

  /** The plan for a connection, with the listener that led to it; null when no route wants it. */
  find(listeners: readonly string[], serverName: string): { readonly listener: string; readonly plan: StreamPlan } | null {
    this.#table ??= StreamTable.build(this.#routes.values());
    const found = this.#table.find(listeners, serverName);
    const plan = found === null ? undefined : this.#plans.get(found.route);
    return found === null || plan === undefined ? null : { listener: found.listener, plan };
  }
}
