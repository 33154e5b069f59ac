// The reports of a proxy: what its workers have counted, and which of its backends, endpoints and routes exist.
import type * as ir from '#api/ir/ir.ts';
import type { GaugesMessage, GoneEntry } from '#api/wire/telemetry-messages.ts';
import type { ReportReading, ReportSource } from './reporting/source.ts';
import { endpointName } from './telemetry/upstream-metrics.ts';
import type { WorkerReport } from './telemetry/worker-report.ts';

/** The supervisor, as reports see it. */
export interface Supervised {
  readonly version: number;
  readonly serving: number;
  resources(): readonly ir.Resource[];
  /** By the process of the worker. */
  reports(): Promise<ReadonlyMap<string, WorkerReport | null>>;
}

export interface SupervisedReportsOptions {
  readonly supervisor: Supervised;
  readonly workers: number;
  /** The revision of the served configuration. */
  readonly revision: () => string;
  readonly draining: () => boolean;
}

/** The names that stand for several or none. */
const COLLECTIVE = new Set(['other', 'none']);

export class SupervisedReports implements ReportSource {
  readonly #options: SupervisedReportsOptions;
  /** The version of the configuration at the last reading. */
  #version = -1;

  constructor(options: SupervisedReportsOptions) {
    this.#options = options;
  }

  async read(): Promise<ReportReading> {
    const { supervisor, revision } = this.#options;
    const { version } = supervisor;
    const exists = version === this.#version ? null : existsIn(supervisor.resources());
    this.#version = version;
    const workers = await supervisor.reports();
    const reports = [...workers.values()].filter((report) => report !== null);
    return { head: { revision: revision(), gauges: this.#gauges(reports) }, workers, exists };
  }

  #gauges(reports: readonly WorkerReport[]): GaugesMessage {
    const { supervisor, workers, draining } = this.#options;
    // A single worker is in the process of the supervisor.
    const own = workers === 1 ? 0 : process.memoryUsage.rss();
    return {
      memory: reports.reduce((sum, { memory }) => sum + memory, own),
      lagMs: Math.max(0, ...reports.map(({ lagMs }) => lagMs)),
      connections: reports.reduce((sum, { connections }) => sum + connections, 0),
      requests: reports.reduce((sum, { requests }) => sum + requests, 0),
      workers: supervisor.serving,
      draining: draining(),
      uptimeMs: Math.round(process.uptime() * 1_000),
    };
  }
}

function existsIn(resources: readonly ir.Resource[]): (entry: GoneEntry) => boolean {
  const routes = new Set<string>();
  const backends = new Map<string, ReadonlySet<string>>();
  for (const resource of resources) {
    if (resource.kind === 'Route' || resource.kind === 'StreamRoute') routes.add(resource.key);
    if (resource.kind === 'Endpoints') backends.set(resource.key, new Set(resource.endpoints.map(endpointName)));
  }
  const addresses = new Set([...backends.values()].flatMap((names) => [...names]));
  return ({ kind, name, endpoint }) => {
    if (COLLECTIVE.has(name) || (kind === 'endpoint' && COLLECTIVE.has(endpoint))) return true;
    if (kind === 'route') return routes.has(name);
    if (kind === 'backend') return backends.has(name);
    return kind === 'address' ? addresses.has(endpoint) : backends.get(name)?.has(endpoint) === true;
  };
}
