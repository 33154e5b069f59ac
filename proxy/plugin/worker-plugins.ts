// The plugins of one worker.
import type { PluginLine } from '#api/wire/plugin-lines.ts';
import { MAX_NAME } from '#api/wire/telemetry-limits.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { Log } from '#lib/log.ts';
import type { Plugins, PluginSettings, RunningPlugin } from '../exchange/plugins.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import type { Ask } from '../exchange/subrequest.ts';
import type { Broadcast } from '../exchange/notices.ts';
import { PluginCounts } from './plugin-counts.ts';
import { SharedCounters } from './shared-counters.ts';
import { WorkerPlugin } from './plugin.ts';

const NO_CALLS = { calls: 0, failures: 0, crashes: 0 };

export interface WorkerPluginsOptions {
  readonly ask: Ask;
  readonly events: SecurityEvents;
  /** To the other workers, which share the counters of plugins. */
  readonly broadcast: Broadcast;
  readonly log: Log | undefined;
}

export class WorkerPlugins implements Plugins {
  readonly #counts: PluginCounts;
  readonly #ask: Ask;
  readonly #events: SecurityEvents;
  readonly #log: Log | undefined;
  readonly #running = new Set<WorkerPlugin>();

  constructor({ ask, events, broadcast, log }: WorkerPluginsOptions) {
    this.#counts = new PluginCounts(new SharedCounters(broadcast));
    this.#ask = ask;
    this.#events = events;
    this.#log = log;
  }

  start(settings: PluginSettings): RunningPlugin {
    const plugin = new WorkerPlugin(settings, {
      ...{ ask: this.#ask, counts: this.#counts, events: this.#events, log: this.#log },
      closed: (closed) => this.#running.delete(closed),
    });
    this.#running.add(plugin);
    return plugin;
  }

  /** Each plugin with its state. Counts are by name, and the first line of a name has them. */
  lines(): readonly PluginLine[] {
    const counted = new Set<string>();
    return [...this.#running].map(({ state }) => {
      const { policy, plugin: name } = state;
      const key = `${policy}\n${name}`;
      const counts = counted.has(key) ? NO_CALLS : this.#counts.sums({ policy, name });
      counted.add(key);
      return { ...state, reason: state.reason.slice(0, MAX_NAME), workers: 1, ...counts };
    });
  }

  families(): readonly MetricFamily[] {
    return this.#counts.families();
  }

  /** Ends all isolates. */
  close(): void {
    for (const plugin of this.#running) plugin.close();
  }
}
