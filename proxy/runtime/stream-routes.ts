// The stream routes of a proxy with their plans. They are looked up per connection, not per request, so table and plans are built at the
// first connection after a change.
import type * as ir from '#api/ir/ir.ts';
import { StreamTable } from '#api/match/stream-table.ts';
import { objectsAbout, PolicyIndex } from '#api/policy/layers.ts';
import type { StreamPlan } from '../exchange/stream-plan.ts';
import type { ClusterVariant } from '../cluster/variant.ts';
import { presentedBy, streamUseOf } from './backend-traffic.ts';
import type { ClusterMap } from './cluster-map.ts';
import { buildStreamPlan } from './plan.ts';
import type { CertificateOf, FindVariant } from './plan.ts';

/** The plan of a route for connections of one listener, and the clusters that it refers to. */
interface Planned {
  readonly plan: StreamPlan;
  readonly variants: ReadonlySet<ClusterVariant>;
}

export class StreamRoutes {
  readonly #clusters: ClusterMap;
  readonly #certificateOf: CertificateOf;
  readonly #routes = new Map<string, ir.StreamRoute>();
  /** By key of the listener of a connection. */
  readonly #plans = new Map<ir.StreamRoute, Map<string, Planned>>();
  #policies = PolicyIndex.EMPTY;
  #table: StreamTable | null = StreamTable.EMPTY;

  /** `certificateOf`: as in PlanOptions. */
  constructor(clusters: ClusterMap, certificateOf: CertificateOf = () => null) {
    this.#clusters = clusters;
    this.#certificateOf = certificateOf;
  }

  set(route: ir.StreamRoute): void {
    const previous = this.#routes.get(route.key);
    this.#clusters.use(route, previous);
    this.#forget(previous);
    this.#routes.set(route.key, route);
    this.#table = null;
  }

  remove(key: string): void {
    const previous = this.#routes.get(key);
    this.#clusters.use(undefined, previous);
    this.#forget(previous);
    this.#routes.delete(key);
    this.#table = null;
  }

  /** Sets the policies; `changed` has the objects whose policies changed. None applies to datagrams, whose sessions end with their plan. */
  setPolicies(policies: PolicyIndex, changed: ReadonlySet<string>): void {
    this.#policies = policies;
    for (const route of this.#routes.values()) {
      if (route.objectKind !== 'UDPRoute' && objectsAbout(route).some((object) => changed.has(object))) this.#forget(route);
    }
  }

  /** The client certificates of these listeners (keys) for backends have changed. */
  certificatesChanged(listeners: ReadonlySet<string>): void {
    for (const route of this.#routes.values()) {
      if (route.objectKind !== 'UDPRoute' && route.attachments.some(({ listener }) => listeners.has(listener))) this.#forget(route);
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
    let planned = plans.get(listener);
    if (planned === undefined) plans.set(listener, (planned = this.#plan(route, listener)));
    return planned.plan;
  }

  #plan(route: ir.StreamRoute, listener: string): Planned {
    const variants = new Set<ClusterVariant>();
    const find: FindVariant = (key, settings) => {
      const variant = this.#clusters.get(key).variant(settings);
      variants.add(variant);
      return variant;
    };
    const plan = buildStreamPlan(route, find, (cluster) =>
      presentedBy(this.#certificateOf(listener), streamUseOf(this.#policies, route, listener, cluster)),
    );
    this.#clusters.plan(variants);
    return { plan, variants };
  }

  /** Its plans are made anew at the next connection. */
  #forget(route: ir.StreamRoute | undefined): void {
    if (route === undefined) return;
    for (const { variants } of this.#plans.get(route)?.values() ?? []) this.#clusters.plan([], variants);
    this.#plans.delete(route);
  }
}
