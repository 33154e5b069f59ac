// The stream routes of a proxy with their plans. They are looked up per connection, not per request, so table and plans are built at the
// first connection after a change.
import type * as ir from '#api/ir/ir.ts';
import { StreamTable } from '#api/match/stream-table.ts';
import { objectsAbout, PolicyIndex } from '#api/policy/layers.ts';
import type { StreamPlan } from '../exchange/stream-plan.ts';
import { streamForwardingOf } from './backend-traffic.ts';
import type { ClusterMap } from './cluster-map.ts';
import { buildStreamPlan } from './plan.ts';

export class StreamRoutes {
  readonly #clusters: ClusterMap;
  readonly #routes = new Map<string, ir.StreamRoute>();
  /** By key of the listener of a connection. */
  readonly #plans = new WeakMap<ir.StreamRoute, Map<string, StreamPlan>>();
  #policies = PolicyIndex.EMPTY;
  #table: StreamTable | null = StreamTable.EMPTY;

  constructor(clusters: ClusterMap) {
    this.#clusters = clusters;
  }

  set(route: ir.StreamRoute): void {
    this.#clusters.use(route, this.#routes.get(route.key));
    this.#routes.set(route.key, route);
    this.#table = null;
  }

  remove(key: string): void {
    this.#clusters.use(undefined, this.#routes.get(key));
    this.#routes.delete(key);
    this.#table = null;
  }

  /** Sets the policies; `changed` has the objects whose policies changed. None applies to datagrams, whose sessions end with their plan. */
  setPolicies(policies: PolicyIndex, changed: ReadonlySet<string>): void {
    this.#policies = policies;
    for (const route of this.#routes.values()) {
      if (route.objectKind !== 'UDPRoute' && objectsAbout(route).some((object) => changed.has(object))) this.#plans.delete(route);
    }
  }

  /** The plan for a connection with its listener; null if no route matches. */
  find(listeners: readonly string[], serverName: string): { readonly listener: string; readonly plan: StreamPlan } | null {
    this.#table ??= StreamTable.build(this.#routes.values());
    const found = this.#table.find(listeners, serverName);
    return found === null ? null : { listener: found.listener, plan: this.#planFor(found.route, found.listener) };
  }

  #planFor(route: ir.StreamRoute, listener: string): StreamPlan {
    let plans = this.#plans.get(route);
    if (plans === undefined) this.#plans.set(route, (plans = new Map()));
    let plan = plans.get(listener);
    if (plan === undefined) {
      const settings = (cluster: string) => streamForwardingOf(this.#policies, route, listener, cluster);
      plan = buildStreamPlan(route, (key) => this.#clusters.get(key), settings);
      plans.set(listener, plan);
    }
    return plan;
  }
}
