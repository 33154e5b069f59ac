// The metrics of a controller, for /metrics. Labels are kinds and results, so their number is bounded.
import { Counter, Gauge, Registry } from 'prom-client';
import { expiryFamily } from '#lib/certificate-expiry.ts';
import { registerFamilies, registerProcess, single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { BUILD_INFO } from '#lib/version.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { PairCounts } from '../compile/kept-pairs.ts';
import type { SessionState } from '../push/observer.ts';
import type { WriteResult } from '../status/writer.ts';
import { telemetryFamilies, type TelemetryCounts } from '../telemetry/metrics.ts';
import { CompileMetrics } from './compile-metrics.ts';
import type { CompileSources } from './compile-metrics.ts';
import { discoveryFamilies } from './discovery-metrics.ts';

/** The values to export, read at each scrape. */
export interface MetricSources extends CompileSources {
  readonly acme: () => readonly MetricFamily[];
  readonly discovery: () => Pick<Discovery, 'states' | 'failures'>;
  readonly objects: () => ReadonlyMap<string, number>;
  /** Kinds that cannot be watched, and the reasons. */
  readonly troubles: () => ReadonlyMap<string, string>;
  /** The streams of the proxies that are connected to this controller. */
  readonly sessions: () => readonly Pick<SessionState, 'nacks' | 'unackedSince'>[];
  /** Whether each kind has been listed. */
  readonly synced: () => ReadonlyMap<string, boolean>;
  readonly telemetry: () => TelemetryCounts;
  readonly statusesWaiting: () => number;
  readonly leads: () => boolean;
  /** Counts of TLS Secrets, by the state of their pairs. */
  readonly pairs: () => PairCounts;
}

/** The parts of the controller whose bugs are counted from 0 on, so that the first shows as an increase. */
const PARTS = [
  'acme',
  'compile',
  'discovery',
  'flush',
  'push',
  'statuses',
  'events',
  'fleets',
  'scopes',
  'session',
  'store',
  'telemetry',
  'watch',
];

export class ControllerMetrics {
  readonly registry = new Registry();
  readonly compile: CompileMetrics;
  readonly #caught = this.#counter('weir_controller_faults_total', 'Bugs caught, by part of the controller.', ['part']);
  readonly #watches = this.#counter('weir_watch_requests_total', 'Lists and watches begun, by kind.', ['kind', 'request']);
  readonly #statuses = this.#counter('weir_status_writes_total', 'Outcomes of status writes, by kind.', ['kind', 'result']);
  readonly #nacks = this.#counter('weir_push_nacks_total', 'Resources that proxies refused.', ['kind']);
  readonly #pushes = this.#counter('weir_pushes_total', 'Pushes sent to proxies.');
  readonly #pushed = this.#counter('weir_push_bytes_total', 'Bytes of resources sent to proxies.');
  readonly #acks = this.#counter('weir_push_acks_total', 'Pushes that proxies acked, with or without refused resources.');

  /** Gauges read `sources` at each scrape. */
  constructor(sources: MetricSources) {
    registerProcess(this.registry);
    registerFamilies(this.registry, [
      BUILD_INFO,
      ...pushFamilies(sources.sessions),
      syncedFamily(sources.synced),
      ...discoveryFamilies(sources.discovery),
      ...sources.acme(),
    ]);
    registerFamilies(this.registry, telemetryFamilies(sources.telemetry));
    this.compile = new CompileMetrics(this.registry, sources);
    for (const part of PARTS) this.#caught.inc({ part }, 0);
    this.#gauge('weir_objects', 'Objects known, by kind.', ['kind'], (gauge) => {
      for (const [kind, count] of sources.objects()) gauge.set({ kind }, count);
    });
    this.#gauge('weir_watch_trouble', '1 for a kind that cannot be watched: absent, forbidden or failing.', ['kind', 'reason'], (gauge) => {
      gauge.reset();
      for (const [kind, reason] of sources.troubles()) gauge.set({ kind, reason }, 1);
    });
    this.#pairGauges(sources.pairs);
    this.#gauge('weir_status_waiting', 'Statuses waiting to be written.', [], (gauge) => gauge.set(sources.statusesWaiting()));
    this.#gauge('weir_leader', '1 while this controller writes statuses.', [], (gauge) => gauge.set(sources.leads() ? 1 : 0));
  }

  #pairGauges(pairs: MetricSources['pairs']): void {
    const help = 'TLS Secrets whose pair of certificate and key is unusable or has expired.';
    this.#gauge('weir_secret_problems', help, [], (gauge) => gauge.set(pairs().problems));
    registerFamilies(this.registry, [expiryFamily(() => pairs().expiries)]);
  }

  /** Counts a bug that was caught in a part: a sink of the pipeline, a session, a queue. */
  faulted(part: string): void {
    this.#caught.inc({ part });
  }

  watchBegan(kind: string, request: 'list' | 'watch'): void {
    this.#watches.inc({ kind, request });
  }

  statusWritten(kind: string, result: WriteResult): void {
    this.#statuses.inc({ kind, result });
  }

  nacked(kind: string): void {
    this.#nacks.inc({ kind });
  }

  pushed(bytes: number): void {
    this.#pushes.inc();
    this.#pushed.inc(bytes);
  }

  acked(): void {
    this.#acks.inc();
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[], read: (gauge: Gauge<L>) => void): void {
    const collect = function (this: Gauge<L>) {
      read(this);
    };
    new Gauge({ name, help, labelNames, registers: [this.registry], collect });
  }
}

function pushFamilies(sessions: MetricSources['sessions']): readonly MetricFamily[] {
  return [
    single('weir_push_sessions', 'gauge', 'Proxies connected.', () => sessions().length),
    single('weir_push_unacked_seconds', 'gauge', 'Age of the oldest push without an ack.', () => unackedSeconds(sessions())),
    {
      name: 'weir_push_refused_resources',
      type: 'gauge',
      help: 'Resources that connected proxies refuse, by kind, counted for each proxy.',
      read: () => {
        const kinds = sessions().flatMap(({ nacks }) => nacks.map(({ kind }) => kind));
        return Array.from(Map.groupBy(kinds, String), ([kind, all]) => ({ labels: { kind }, value: all.length }));
      },
    },
  ];
}

function unackedSeconds(sessions: ReturnType<MetricSources['sessions']>): number {
  const now = Date.now();
  return Math.max(0, ...sessions.map(({ unackedSince }) => (unackedSince === null ? 0 : (now - unackedSince) / 1_000)));
}

function syncedFamily(synced: MetricSources['synced']): MetricFamily {
  const read = () => Array.from(synced(), ([kind, isSynced]) => ({ labels: { kind }, value: Number(isSynced) }));
  return { name: 'weir_watch_synced', type: 'gauge', help: '1 if the controller has listed the kind since its start.', read };
}
