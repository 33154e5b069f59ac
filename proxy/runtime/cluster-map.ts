// The clusters of a runtime by key. A cluster exists while a route or policy refers to it or it has endpoints, so that plans never have an outdated
// cluster, in any order of resources, and also if a backend is missing.
import * as ir from '#api/ir/ir.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { EndpointRegistry } from '../cluster/endpoint.ts';
import type { ClusterVariant } from '../cluster/variant.ts';
import type { Notices } from '../exchange/notices.ts';
import type { UpstreamCounts } from '../exchange/upstream-counts.ts';

/** A resource that refers to clusters: a route of either kind, or a policy. */
type User = ir.Route | ir.StreamRoute | ir.Policy;

export interface ClusterMapOptions {
  readonly registry: EndpointRegistry;
  readonly counts: UpstreamCounts;
  /** The workers of the proxy, which share its limits; 1 by default. */
  readonly workers?: number | undefined;
  /** Called with each new cluster, to configure it from the stored resource. */
  readonly made: (cluster: Cluster) => void;
}

export class ClusterMap {
  readonly #registry: EndpointRegistry;
  readonly #counts: UpstreamCounts;
  readonly #workers: number;
  readonly #made: (cluster: Cluster) => void;
  readonly #clusters = new Map<string, Cluster>();
  /** The number of references of routes and policies to a key. */
  readonly #uses = new Map<string, number>();
  /** The number of plans that refer to a variant. */
  readonly #plans = new Map<ClusterVariant, number>();
  /** Also of clusters that do not exist yet. */
  readonly #forced = new Map<string, Notices['breaker']>();
  /** Keys that may be unused since the last sweep. */
  readonly #suspects = new Set<string>();

  constructor({ registry, counts, workers = 1, made }: ClusterMapOptions) {
    this.#workers = workers;
    this.#made = made;
    this.#registry = registry;
    this.#counts = counts;
  }

  get all(): ReadonlyMap<string, Cluster> {
    return this.#clusters;
  }

  /** The cluster of a key; a new one has no endpoints. */
  get(key: string): Cluster {
    let cluster = this.#clusters.get(key);
    if (cluster === undefined) {
      cluster = new Cluster(key, this.#registry, this.#counts.acquire(key), this.#workers);
      cluster.forced = this.#forced.get(key) ?? null;
      this.#clusters.set(key, cluster);
      this.#made(cluster);
    }
    this.#suspects.add(key);
    return cluster;
  }

  /** Sets what an operator says of the breaker of a backend (key), until the next word; null takes it back. */
  force(key: string, forced: Notices['breaker'] | null): void {
    if (forced === null) this.#forced.delete(key);
    else this.#forced.set(key, forced);
    const cluster = this.#clusters.get(key);
    if (cluster !== undefined) cluster.forced = forced;
  }

  /** Counts the references of a route or policy, and discounts those of its previous form. */
  use(user: User | undefined, previous: User | undefined): void {
    for (const key of namedClusters(user)) this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    for (const key of namedClusters(previous)) {
      this.#uses.set(key, (this.#uses.get(key) ?? 0) - 1);
      this.#suspects.add(key);
    }
  }

  /** Counts the variants that new plans of a route refer to, and discounts those of its previous plans. */
  plan(variants: Iterable<ClusterVariant>, previous: Iterable<ClusterVariant> = []): void {
    for (const variant of variants) this.#plans.set(variant, (this.#plans.get(variant) ?? 0) + 1);
    for (const variant of previous) this.#plans.set(variant, (this.#plans.get(variant) ?? 0) - 1);
  }

  /** Removes clusters without users and endpoints, and variants without plans. Call it after each batch. */
  sweep(): void {
    for (const [variant, plans] of this.#plans) {
      if (plans > 0) continue;
      this.#plans.delete(variant);
      this.#clusters.get(variant.key)?.retire(variant);
    }
    for (const key of this.#suspects) {
      if ((this.#uses.get(key) ?? 0) > 0) continue;
      this.#uses.delete(key);
      const cluster = this.#clusters.get(key);
      if (cluster?.endpoints.length !== 0) continue;
      this.#clusters.delete(key);
      cluster.breakers.stop();
      this.#counts.release(cluster.counts);
    }
    this.#suspects.clear();
  }
}

function namedClusters(user: User | undefined): readonly string[] {
  if (user === undefined) return [];
  if (user.kind === 'Policy') return ir.clustersOfPolicy(user);
  return user.kind === 'StreamRoute' ? ir.clustersOfStreamRoute(user) : ir.clustersOfRoute(user);
}
