// The metrics of a controller, for /metrics. Labels are kinds and results, so their number is bounded.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expiryFamily } from '#lib/certificate-expiry.ts';
import { registerFamilies } from '#lib/metric.ts';
import type { PairCounts } from '../compile/kept-pairs.ts';
import type { CompileDelta } from '../compile/result.ts';
import type { WriteResult } from '../status/writer.ts';

/** The values to export, read at each scrape. */
export interface MetricSources {
  readonly objects: () => ReadonlyMap<string, number>;
  /** Kinds that cannot be watched, and the reasons. */
  readonly troubles: () => ReadonlyMap<string, string>;
  readonly proxies: () => number;
  readonly statusesWaiting: () => number;
  readonly leads: () => boolean;
  /** Counts of TLS Secrets, by the state of their pairs. */
  readonly pairs: () => PairCounts;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class ControllerMetrics {
  readonly registry = new Registry();
  readonly #compileSeconds = this.#histogram('weir_compile_seconds', 'Time to compile a batch of changes.', SECONDS);
  readonly #recompiled = this.#counter('weir_compile_units_total', 'Units compiled.');
  readonly #resources = this.#counter('weir_compile_resources_total', 'Resources changed or removed by a compile.', ['change']);
  readonly #faults = this.#counter('weir_compile_faults_total', 'Units that failed because of a bug and kept their last output.');
  readonly #rejected = this.#counter('weir_compile_rejected_objects_total', 'Objects refused because of an invalid structure.');
  readonly #caught = this.#counter('weir_controller_faults_total', 'Bugs caught, by part of the controller.', ['part']);
  readonly #watches = this.#counter('weir_watch_requests_total', 'Lists and watches begun, by kind.', ['kind', 'request']);
  readonly #statuses = this.#counter('weir_status_writes_total', 'Outcomes of status writes, by kind.', ['kind', 'result']);
  readonly #nacks = this.#counter('weir_push_nacks_total', 'Resources that proxies refused.', ['kind']);
  readonly #pushed = this.#counter('weir_push_bytes_total', 'Bytes of resources sent to proxies.');

  /** Gauges read `sources` at each scrape. */
  constructor(sources: MetricSources) {
    collectDefaultMetrics({ register: this.registry });
    this.#gauge('weir_objects', 'Objects known, by kind.', ['kind'], (gauge) => {
      for (const [kind, count] of sources.objects()) gauge.set({ kind }, count);
    });
    this.#gauge('weir_watch_trouble', '1 for a kind that cannot be watched: absent, forbidden or failing.', ['kind', 'reason'], (gauge) => {
      gauge.reset();
      for (const [kind, reason] of sources.troubles()) gauge.set({ kind, reason }, 1);
    });
    this.#pairGauges(sources.pairs);
    this.#gauge('weir_push_sessions', 'Proxies connected.', [], (gauge) => gauge.set(sources.proxies()));
    this.#gauge('weir_status_waiting', 'Statuses waiting to be written.', [], (gauge) => gauge.set(sources.statusesWaiting()));
    this.#gauge('weir_leader', '1 while this controller writes statuses.', [], (gauge) => gauge.set(sources.leads() ? 1 : 0));
  }

  #pairGauges(pairs: MetricSources['pairs']): void {
    const help = 'TLS Secrets whose pair cannot be used or has expired.';
    this.#gauge('weir_secret_problems', help, [], (gauge) => gauge.set(pairs().problems));
    registerFamilies(this.registry, [expiryFamily(() => pairs().expiries)]);
  }

  compiled(delta: CompileDelta, ms: number): void {
    this.#compileSeconds.observe(ms / 1_000);
    this.#recompiled.inc(delta.recompiled);
    this.#resources.inc({ change: 'changed' }, delta.changed.length);
    this.#resources.inc({ change: 'removed' }, delta.removed.length);
    this.#faults.inc(delta.faults.length);
    this.#rejected.inc(delta.rejected.length);
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
    this.#pushed.inc(bytes);
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[], read: (gauge: Gauge<L>) => void): void {
    const collect = function (this: Gauge<L>) {
      read(this);
    };
    new Gauge({ name, help, labelNames, registers: [this.registry], collect });
  }
}
