// The plugins of one worker.
import type { MetricFamily } from '#lib/metric.ts';
import type { Log } from '#lib/log.ts';
import type { Plugins, PluginSettings, RunningPlugin } from '../exchange/plugins.ts';
import type { Ask } from '../exchange/subrequest.ts';
import { PluginCounts } from './plugin-counts.ts';
import { WorkerPlugin } from './plugin.ts';

export class WorkerPlugins implements Plugins {
  readonly #counts = new PluginCounts();
  readonly #ask: Ask;
  readonly #log: Log | undefined;
  readonly #running = new Set<WorkerPlugin>();

  constructor(ask: Ask, log: Log | undefined) {
    this.#ask = ask;
    this.#log = log;
  }

  start(settings: PluginSettings): RunningPlugin {
    const plugin = new WorkerPlugin(settings, {
      ...{ ask: this.#ask, counts: this.#counts, log: this.#log },
      closed: (closed) => this.#running.delete(closed),
    });
    this.#running.add(plugin);
    return plugin;
  }

  families(): readonly MetricFamily[] {
    return this.#counts.families();
  }

  /** Ends all isolates. */
  close(): void {
    for (const plugin of this.#running) plugin.close();
  }
}
