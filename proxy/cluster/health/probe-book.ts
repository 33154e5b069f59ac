// The active health checks of a worker: the probes that its clusters want from the supervisor, and the results for its endpoints.
import { isDeepStrictEqual } from 'node:util';
import { probeId } from '../../exchange/probe-target.ts';
import type { Health, WantedProbes } from '../../exchange/probe-target.ts';
import type { Endpoint } from '../endpoint.ts';
import type { ResolvedCheck } from './active-check.ts';

/** A cluster, as far as checks are concerned. */
export interface CheckedCluster {
  readonly endpoints: readonly Endpoint[];
  readonly variants: Iterable<{ readonly check: ResolvedCheck | null }>;
}

/** Wants probes by the id of their check, or no more (null). */
export type WantProbes = (check: string, wanted: WantedProbes | null) => void;

const NONE: ReadonlySet<string> = new Set();

export class ProbeBook {
  readonly #want: WantProbes;
  readonly #results = new Map<string, Health>();
  #wanted = new Map<string, WantedProbes>();
  /** The probes of each endpoint: the id of the check by the id of the probe. */
  #probes = new Map<Endpoint, Map<string, string>>();
  #endpoints = new Map<string, Set<Endpoint>>();

  constructor(want: WantProbes) {
    this.#want = want;
  }

  /** The clusters, their endpoints or their checks have changed. */
  refresh(clusters: Iterable<CheckedCluster>): void {
    const [before, wanted] = [this.#probes, new Map<string, WantedProbes>()];
    this.#probes = new Map();
    this.#endpoints = new Map();
    for (const cluster of clusters) {
      for (const { check } of cluster.variants) if (check !== null) this.#add(cluster.endpoints, check, wanted);
    }
    for (const endpoint of new Set([...before.keys(), ...this.#probes.keys()])) this.#judge(endpoint);
    this.#tell(wanted);
  }

  /** Takes the result of a probe; null: there is none any more. */
  take(id: string, health: Health | null): void {
    if (health === null) this.#results.delete(id);
    else this.#results.set(id, health);
    for (const endpoint of this.#endpoints.get(id) ?? []) this.#judge(endpoint);
  }

  #add(endpoints: readonly Endpoint[], { id, port, ...needed }: ResolvedCheck, wanted: Map<string, WantedProbes>): void {
    const known = new Map((wanted.get(id)?.addresses ?? []).map((address) => [probeId(id, address), address]));
    for (const endpoint of endpoints) {
      const address = { address: endpoint.address, port: port ?? endpoint.port };
      const probe = probeId(id, address);
      known.set(probe, address);
      this.#follow(endpoint, probe, id);
    }
    wanted.set(id, { ...needed, addresses: [...known.values()] });
  }

  #follow(endpoint: Endpoint, probe: string, check: string): void {
    this.#probes.set(endpoint, (this.#probes.get(endpoint) ?? new Map<string, string>()).set(probe, check));
    this.#endpoints.set(probe, (this.#endpoints.get(probe) ?? new Set<Endpoint>()).add(endpoint));
  }

  #judge(endpoint: Endpoint): void {
    const failed = [...(this.#probes.get(endpoint) ?? [])].filter(([probe]) => this.#results.get(probe) === 'unhealthy');
    const checks = failed.length === 0 ? NONE : new Set(failed.map(([, check]) => check));
    if (isDeepStrictEqual(checks, endpoint.unhealthy)) return;
    endpoint.unhealthy = checks;
    endpoint.changed();
  }

  #tell(wanted: Map<string, WantedProbes>): void {
    const before = this.#wanted;
    this.#wanted = wanted;
    for (const id of before.keys()) if (!wanted.has(id)) this.#want(id, null);
    for (const [id, probes] of wanted) if (!isDeepStrictEqual(probes.addresses, before.get(id)?.addresses)) this.#want(id, probes);
  }
}
