// Metrics from counters: counters are plain numbers, and a family reads them at a scrape.
import { collectDefaultMetrics } from 'prom-client';
import type { Metric, Registry } from 'prom-client';

/** prom-client also uses numbers as label values, for bucket bounds. */
export type Labels = Readonly<Record<string, string | number>>;

/** One line of the exposition. `metricName` is set if it differs from the family's name: `..._bucket`, `..._sum`, `..._count`. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
  /** A request that the sample has counted; of buckets only. prom-client has null in its own histograms. */
  readonly exemplar?: Exemplar | null;
}

/** A request in a bucket, whose trace is kept. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** One metric with all of its series. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  /** How the values of several processes are combined; the sum by default. */
  readonly aggregator?: 'sum' | 'first' | 'max' | 'min';
  readonly read: () => readonly Sample[];
}

/** A family in the form of `Registry.getMetricsAsJSON`, which workers send to their supervisor. */
export type MetricJson = Omit<MetricFamily, 'read'> & { readonly values: readonly Sample[] };

/** A family with a single series. */
export function single(name: string, type: 'counter' | 'gauge', help: string, value: () => number): MetricFamily {
  return { name, type, help, read: () => [{ labels: {}, value: value() }] };
}

/** Registers families. prom-client needs only a name and `get`. */
export function registerFamilies(registry: Registry, families: readonly MetricFamily[]): void {
  for (const { read, aggregator = 'sum', ...head } of families) {
    const metric = { ...head, aggregator, get: (): MetricJson => ({ ...head, aggregator, values: read() }) };
    registry.registerMetric(metric as unknown as Metric);
  }
}

/** Registers prom-client's metrics of this process: CPU, memory, file descriptors, event loop. */
export function registerProcess(registry: Registry, labels: Readonly<Record<string, string>> = {}): void {
  collectDefaultMetrics({ register: registry, labels });
}

/** The current values of all registered metrics. */
export async function readFamilies(registry: Registry): Promise<readonly MetricJson[]> {
  return (await registry.getMetricsAsJSON()) as unknown as MetricJson[];
}
