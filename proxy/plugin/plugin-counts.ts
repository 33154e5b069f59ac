// What plugins count: their calls and crashes, their own metrics, and the counters that their requests share. By policy and plugin, so that
// the numbers outlive versions and changes of the policy.
import type { Labels, MetricFamily, Sample } from '#lib/metric.ts';
import type { CallFailure, Hook } from './message.ts';
import type { Failure } from './outcome.ts';
import type { SharedCounters } from './shared-counters.ts';

/** Of the metrics of one plugin: more names would be a leak. */
const MAX_NAMES = 100;
const METRIC = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** The plugin that a number belongs to. */
export interface PluginName {
  readonly policy: string;
  readonly name: string;
}

/** Upper bounds of the buckets of histograms: modules observe milliseconds and bytes alike. */
const BOUNDS = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 1_000_000, 100_000_000];

interface Observations {
  readonly labels: Labels;
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** Histograms of plugins. */
class Histograms {
  readonly #all = new Map<string, Observations>();

  observe(labels: Labels, value: number): void {
    const key = Object.values(labels).join('\n');
    let observed = this.#all.get(key);
    if (observed === undefined) this.#all.set(key, (observed = { labels, buckets: BOUNDS.map(() => 0), sum: 0, count: 0 }));
    const bucket = BOUNDS.findIndex((bound) => value <= bound);
    if (bucket >= 0) observed.buckets[bucket] = (observed.buckets[bucket] ?? 0) + 1;
    observed.sum += value;
    observed.count++;
  }

  family(name: string, help: string): MetricFamily {
    return { name, type: 'histogram', help, read: () => [...this.#all.values()].flatMap((observed) => samplesOf(name, observed)) };
  }
}

function samplesOf(name: string, { labels, buckets, sum, count }: Observations): readonly Sample[] {
  let total = 0;
  const below = BOUNDS.map((le, i) => ({ labels: { ...labels, le }, value: (total += buckets[i] ?? 0), metricName: `${name}_bucket` }));
  return [
    ...below,
    { labels: { ...labels, le: '+Inf' }, value: count, metricName: `${name}_bucket` },
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ];
}

class Series {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  add(labels: Labels, by: number): void {
    this.count(labels).value += by;
  }

  /** The count with these labels. */
  count(labels: Labels): { value: number } {
    const key = Object.values(labels).join('\n');
    let counted = this.#values.get(key);
    if (counted === undefined) this.#values.set(key, (counted = { labels, value: 0 }));
    return counted;
  }

  set(labels: Labels, value: number): void {
    this.#values.set(Object.values(labels).join('\n'), { labels, value });
  }

  family(name: string, help: string, type: 'counter' | 'gauge' = 'counter'): MetricFamily {
    return { name, type, help, read: () => [...this.#values.values()].map(({ labels, value }) => ({ labels, value })) };
  }
}

export class PluginCounts {
  readonly #calls = new Series();
  readonly #crashes = new Series();
  readonly #moves = new Series();
  readonly #dropped = new Series();
  readonly #custom = new Series();
  readonly #gauges = new Series();
  readonly #histograms = new Histograms();
  readonly #names = new Map<string, Set<string>>();
  readonly #shared: SharedCounters;

  constructor(shared: SharedCounters) {
    this.#shared = shared;
  }

  /** The calls of a hook with an outcome. */
  calls({ policy, name }: PluginName, hook: Hook, outcome: 'ok' | Failure): { value: number } {
    return this.#calls.count({ policy, plugin: name, hook, outcome });
  }

  /** The plugin moved between its thread and the event loop. */
  moved({ policy, name }: PluginName, to: 'loop' | 'thread'): void {
    this.#moves.add({ policy, plugin: name, to }, 1);
  }

  crashed({ policy, name }: PluginName, reason: CallFailure): void {
    this.#crashes.add({ policy, plugin: name, reason }, 1);
  }

  droppedLines({ policy, name }: PluginName, lines: number): void {
    this.#dropped.add({ policy, plugin: name }, lines);
  }

  /** Adds to a metric of the plugin, which can only grow. Other names than those of metrics, and too many of them, are not counted. */
  custom(plugin: PluginName, metric: string, by: number): void {
    if (by >= 0 && this.#admits(plugin, metric)) this.#custom.add(labelsOf(plugin, metric), by);
  }

  /** Sets a gauge of the plugin; the same limits hold. */
  gauge(plugin: PluginName, metric: string, value: number): void {
    if (this.#admits(plugin, metric)) this.#gauges.set(labelsOf(plugin, metric), value);
  }

  /** Adds values to a histogram of the plugin; the same limits hold. */
  observed(plugin: PluginName, metric: string, values: readonly number[]): void {
    if (this.#admits(plugin, metric)) for (const value of values) this.#histograms.observe(labelsOf(plugin, metric), value);
  }

  #admits({ policy, name }: PluginName, metric: string): boolean {
    if (!METRIC.test(metric)) return false;
    const key = `${policy}\n${name}`;
    let names = this.#names.get(key);
    if (names === undefined) this.#names.set(key, (names = new Set()));
    if (!names.has(metric) && names.size >= MAX_NAMES) return false;
    names.add(metric);
    return true;
  }

  /** Adds to a counter that all workers share, and returns the sum. */
  shared({ policy, name }: PluginName, counter: string, by: number): number {
    return this.#shared.add(`${policy}\n${name}`, counter, by);
  }

  families(): readonly MetricFamily[] {
    return [
      this.#calls.family('weir_plugin_calls_total', 'Calls of the hooks of plugins'),
      this.#crashes.family('weir_plugin_crashes_total', 'Isolates of plugins that ended before their calls'),
      this.#moves.family('weir_plugin_moves_total', 'Moves of plugins between their thread and the event loop'),
      this.#dropped.family('weir_plugin_log_lines_dropped_total', 'Lines about plugins that were too many for the log'),
      this.#custom.family('weir_plugin_custom_total', 'What plugins count themselves'),
      this.#gauges.family('weir_plugin_custom_gauge', 'What plugins set themselves', 'gauge'),
      this.#histograms.family('weir_plugin_custom_histogram', 'What plugins observe themselves'),
    ];
  }
}

function labelsOf({ policy, name }: PluginName, metric: string): Labels {
  return { policy, plugin: name, name: metric };
}
