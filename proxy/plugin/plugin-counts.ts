// What plugins count: their calls and crashes, their own metrics, and the counters that their requests share. By policy and plugin, so that
// the numbers outlive versions and changes of the policy.
import type { Labels, MetricFamily } from '#lib/metric.ts';
import type { CallFailure, Hook } from './message.ts';
import type { Failure } from './plugin-isolate.ts';

/** Of the metrics and of the counters of one plugin: more names would be a leak. */
const MAX_NAMES = 100;
const METRIC = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/** The plugin that a number belongs to. */
export interface PluginName {
  readonly policy: string;
  readonly name: string;
}

class Series {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  add(labels: Labels, by: number): void {
    const key = Object.values(labels).join('\n');
    let counted = this.#values.get(key);
    if (counted === undefined) this.#values.set(key, (counted = { labels, value: 0 }));
    counted.value += by;
  }

  family(name: string, help: string): MetricFamily {
    return { name, type: 'counter', help, read: () => [...this.#values.values()].map(({ labels, value }) => ({ labels, value })) };
  }
}

export class PluginCounts {
  readonly #calls = new Series();
  readonly #crashes = new Series();
  readonly #dropped = new Series();
  readonly #custom = new Series();
  readonly #names = new Map<string, Set<string>>();
  readonly #shared = new Map<string, Map<string, number>>();

  called({ policy, name }: PluginName, hook: Hook, outcome: 'ok' | Failure): void {
    this.#calls.add({ policy, plugin: name, hook, outcome }, 1);
  }

  crashed({ policy, name }: PluginName, reason: CallFailure): void {
    this.#crashes.add({ policy, plugin: name, reason }, 1);
  }

  droppedLines({ policy, name }: PluginName, lines: number): void {
    this.#dropped.add({ policy, plugin: name }, lines);
  }

  /** Adds to a metric of the plugin, which can only grow. Other names than those of metrics, and too many of them, are not counted. */
  custom({ policy, name }: PluginName, metric: string, by: number): void {
    if (by < 0 || !METRIC.test(metric)) return;
    const key = `${policy}\n${name}`;
    let names = this.#names.get(key);
    if (names === undefined) this.#names.set(key, (names = new Set()));
    if (!names.has(metric) && names.size >= MAX_NAMES) return;
    names.add(metric);
    this.#custom.add({ policy, plugin: name, name: metric }, by);
  }

  /** Adds to a counter and returns the sum. Beyond the greatest number of names the sum is that of nothing. */
  shared({ policy, name }: PluginName, counter: string, by: number): number {
    const key = `${policy}\n${name}`;
    let sums = this.#shared.get(key);
    if (sums === undefined) this.#shared.set(key, (sums = new Map()));
    const known = sums.get(counter);
    if (by === 0 || (known === undefined && sums.size >= MAX_NAMES)) return known ?? 0;
    sums.set(counter, (known ?? 0) + by);
    return (known ?? 0) + by;
  }

  families(): readonly MetricFamily[] {
    return [
      this.#calls.family('weir_plugin_calls_total', 'Calls of the hooks of plugins'),
      this.#crashes.family('weir_plugin_crashes_total', 'Isolates of plugins that ended before their calls'),
      this.#dropped.family('weir_plugin_log_lines_dropped_total', 'Lines about plugins that were too many for the log'),
      this.#custom.family('weir_plugin_custom_total', 'What plugins count themselves'),
    ];
  }
}
