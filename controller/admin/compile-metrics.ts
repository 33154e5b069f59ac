// The metrics of a pipeline, for a controller and for `weir up`: cost and changes of compiles, and objects with problems.
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { CompileDelta } from '../compile/result.ts';

/** The values to export, read at each scrape. */
export interface CompileSources {
  /** The number of objects that are not served as written, by kind. */
  readonly problems: () => ReadonlyMap<string, number>;
  /** The changes that wait for a batch. */
  readonly waiting: () => number;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class CompileMetrics {
  readonly #seconds: Histogram;
  readonly #units: Counter;
  readonly #resources: Counter<'change'>;
  readonly #faults: Counter;
  readonly #rejected: Counter;

  /** Gauges read `sources` at each scrape. */
  constructor(registry: Registry, sources: CompileSources) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'weir_compile_seconds',
      help: 'Time to compile a batch of changes.',
      buckets: SECONDS,
      registers,
    });
    this.#units = new Counter({ name: 'weir_compile_units_total', help: 'Units compiled.', registers });
    const help = 'Resources changed or removed by a compile.';
    this.#resources = new Counter({ name: 'weir_compile_resources_total', help, labelNames: ['change'], registers });
    this.#faults = new Counter({
      name: 'weir_compile_faults_total',
      help: 'Units that failed because of a bug and kept their last output.',
      registers,
    });
    this.#rejected = new Counter({
      name: 'weir_compile_rejected_objects_total',
      help: 'Objects refused because of an invalid structure.',
      registers,
    });
    exposeSources(registry, sources);
  }

  compiled(delta: CompileDelta, ms: number): void {
    this.#seconds.observe(ms / 1_000);
    this.#units.inc(delta.recompiled);
    this.#resources.inc({ change: 'changed' }, delta.changed.length);
    this.#resources.inc({ change: 'removed' }, delta.removed.length);
    this.#faults.inc(delta.faults.length);
    this.#rejected.inc(delta.rejected.length);
  }
}

function exposeSources(registry: Registry, { problems, waiting }: CompileSources): void {
  const registers = [registry];
  new Gauge({
    name: 'weir_problems',
    help: 'Objects that are not served as written, by kind.',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset();
      for (const [kind, count] of problems()) this.set({ kind }, count);
    },
  });
  new Gauge({
    name: 'weir_changes_waiting',
    help: 'Changes of objects that wait to be compiled.',
    registers,
    collect() {
      this.set(waiting());
    },
  });
}
