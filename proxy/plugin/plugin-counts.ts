// What plugins count: their calls and crashes, their own metrics, and the counters that their requests share. By policy and plugin, so that
// the numbers outlive versions and changes of the policy.
import { Histogram } from '#lib/histogram.ts';
import type { Labels, MetricFamily, Sample } from '#lib/metric.ts';
import type { CallFailure, Hook } from './message.ts';
import type { Failure } from './outcome.ts';
import type { SharedCounters } from './shared-counters.ts';

/** Plugins with counts of their own in one worker; further ones share `other`, and have no metrics of their own. */
const MAX_PLUGINS = 500;
const OTHERS = { policy: 'other', name: 'other' };
/** Of the metrics of one plugin: more names would be a leak. */
const MAX_NAMES = 100;
const DURATION = 'weir_plugin_call_duration_seconds';
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

  /** The values whose labels have all of these. */
  *having(wanted: Labels): Iterable<{ readonly labels: Labels; readonly value: number }> {
    for (const each of this.#values.values()) if (Object.entries(wanted).every(([name, value]) => each.labels[name] === value)) yield each;
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
  readonly #durations = new Map<string, { readonly labels: Labels; readonly duration: Histogram }>();
  /** The names of the metrics of each plugin that has counts of its own. */
  readonly #names = new Map<string, Set<string>>();
  readonly #shared: SharedCounters;
  readonly #maxPlugins: number;

  constructor(shared: SharedCounters, maxPlugins: number = MAX_PLUGINS) {
    this.#shared = shared;
    this.#maxPlugins = maxPlugins;
  }

  /** The calls of a hook with an outcome. */
  calls(plugin: PluginName, hook: Hook, outcome: 'ok' | Failure): { value: number } {
    return this.#calls.count({ ...this.#labelsOf(plugin), hook, outcome });
  }

  /** The calls and crashes of a plugin, whose own counts it has. */
  sums({ policy, name }: PluginName): { readonly calls: number; readonly failures: number; readonly crashes: number } {
    const labels = { policy, plugin: name };
    let [calls, failures, crashes] = [0, 0, 0];
    for (const { labels: of, value } of this.#calls.having(labels)) {
      calls += value;
      if (of['outcome'] !== 'ok') failures += value;
    }
    for (const { value } of this.#crashes.having(labels)) crashes += value;
    return { calls, failures, crashes };
  }

  /** The times of the calls of a hook. */
  durations(plugin: PluginName, hook: Hook): Histogram {
    const labels = { ...this.#labelsOf(plugin), hook };
    const key = Object.values(labels).join('\n');
    let timed = this.#durations.get(key);
    if (timed === undefined) this.#durations.set(key, (timed = { labels, duration: new Histogram() }));
    return timed.duration;
  }

  /** The plugin moved between its thread and the event loop. */
  moved(plugin: PluginName, to: 'loop' | 'thread'): void {
    this.#moves.add({ ...this.#labelsOf(plugin), to }, 1);
  }

  crashed(plugin: PluginName, reason: CallFailure): void {
    this.#crashes.add({ ...this.#labelsOf(plugin), reason }, 1);
  }

  droppedLines(plugin: PluginName, lines: number): void {
    this.#dropped.add(this.#labelsOf(plugin), lines);
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

  #admits(plugin: PluginName, metric: string): boolean {
    const names = METRIC.test(metric) ? this.#namesOf(plugin) : null;
    if (names === null || (!names.has(metric) && names.size >= MAX_NAMES)) return false;
    names.add(metric);
    return true;
  }

  /** Null: there are too many plugins. */
  #namesOf({ policy, name }: PluginName): Set<string> | null {
    const key = `${policy}\n${name}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    if (this.#names.size >= this.#maxPlugins) return null;
    const names = new Set<string>();
    this.#names.set(key, names);
    return names;
  }

  #labelsOf(plugin: PluginName): Labels {
    const { policy, name } = this.#namesOf(plugin) === null ? OTHERS : plugin;
    return { policy, plugin: name };
  }

  /** Adds to a counter that all workers share, and returns the sum. */
  shared({ policy, name }: PluginName, counter: string, by: number): number {
    return this.#shared.add(`${policy}\n${name}`, counter, by);
  }

  families(): readonly MetricFamily[] {
    return [
      this.#calls.family('weir_plugin_calls_total', 'Calls of the hooks of plugins'),
      {
        name: DURATION,
        type: 'histogram',
        help: 'Time of the calls of the hooks of plugins, with their waits',
        read: () => [...this.#durations.values()].flatMap(({ labels, duration }) => duration.samples(DURATION, labels)),
      },
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
