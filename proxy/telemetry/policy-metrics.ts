// Metrics that TelemetryPolicies define. Policies share a metric by its name; the first one decides on its buckets. The number of names and of
// series is limited: labels come from requests.
import type { ExchangeListener } from '../exchange/exchange-events.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { MetricDefinition, MetricsPlan, Taker } from '../exchange/route-telemetry.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';

/** Metrics in one worker. Those of removed policies stay until it ends. */
const MAX_METRICS = 200;
const OTHER = 'other';

/** One set of labels. */
interface Series {
  readonly labels: Readonly<Record<string, string>>;
  sum: number;
  count: number;
  /** By bucket; empty for a counter. */
  readonly counts: number[];
}

class PolicyMetric {
  readonly #definition: MetricDefinition;
  readonly #series = new Map<string, Series>();
  /** Requests for which an expression had no value. */
  failures = 0;

  constructor(definition: MetricDefinition) {
    this.#definition = definition;
  }

  take(value: number, names: readonly string[], values: readonly string[]): void {
    const series = this.#of(names, values);
    series.sum += value;
    series.count++;
    const { bounds } = this.#definition;
    if (bounds === null) return;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    series.counts[bucket] = (series.counts[bucket] as number) + 1;
  }

  family(): MetricFamily {
    const { name, help, bounds } = this.#definition;
    const read = (): readonly Sample[] =>
      [...this.#series.values()].flatMap((series) =>
        bounds === null ? [{ labels: series.labels, value: series.sum }] : histogram(name, bounds, series),
      );
    return { name, help, type: bounds === null ? 'counter' : 'histogram', read };
  }

  #of(names: readonly string[], values: readonly string[]): Series {
    const id = JSON.stringify([names, values]);
    const known = this.#series.get(id);
    if (known !== undefined) return known;
    const isOther = values.every((value) => value === OTHER);
    if (this.#series.size >= this.#definition.maxSeries && !isOther)
      return this.#of(
        names,
        names.map(() => OTHER),
      );
    const labels = Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
    const made: Series = { labels, sum: 0, count: 0, counts: Array<number>((this.#definition.bounds?.length ?? -1) + 1).fill(0) };
    this.#series.set(id, made);
    return made;
  }
}

function histogram(name: string, bounds: readonly number[], { labels, sum, count, counts }: Series): readonly Sample[] {
  let total = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le, i) => {
    total += counts[i] as number;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
  });
  return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: count }];
}

export class PolicyMetrics implements ExchangeListener {
  readonly #expose: (families: readonly MetricFamily[]) => void;
  readonly #metrics = new Map<string, PolicyMetric>();
  #refused = 0;

  /** `expose`: adds families to the metrics of the worker. */
  constructor(expose: (families: readonly MetricFamily[]) => void) {
    this.#expose = expose;
    expose([
      {
        name: 'weir_policy_metric_failures_total',
        type: 'counter',
        help: 'Requests for which an expression of a metric of a policy had no usable value',
        read: () => Array.from(this.#metrics, ([metric, { failures }]) => ({ labels: { metric }, value: failures })),
      },
      {
        name: 'weir_policy_metrics_refused',
        type: 'gauge',
        help: 'Metrics of policies that a worker does not count, because it has 200 others',
        aggregator: 'max',
        read: () => [{ labels: {}, value: this.#refused }],
      },
    ]);
  }

  /** Exposes the metrics of a plan, before its first request. */
  follow({ definitions }: MetricsPlan): void {
    for (const definition of definitions) {
      if (this.#metrics.has(definition.name)) continue;
      if (this.#metrics.size >= MAX_METRICS) this.#refused++;
      else this.#add(definition);
    }
  }

  ended(exchange: Exchange, ms: number): void {
    const { telemetry } = exchange;
    if (telemetry !== null && telemetry.metrics !== null) telemetry.metrics.measure(exchange, ms, this.#take);
  }

  readonly #take: Taker = (definition, value, labels) => {
    const metric = this.#metrics.get(definition.name);
    if (metric === undefined) return;
    if (value === null) metric.failures++;
    else metric.take(value, definition.labels, labels);
  };

  #add(definition: MetricDefinition): void {
    const metric = new PolicyMetric(definition);
    this.#metrics.set(definition.name, metric);
    this.#expose([metric.family()]);
  }
}
