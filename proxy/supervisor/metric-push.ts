// Pushes the metrics of a proxy, those that a scrape reads, to an OpenTelemetry collector.
import type { Log } from '#lib/log.ts';
import type { MetricFamily, MetricJson } from '#lib/metric.ts';
import { recordsOf } from '#lib/otlp/metric-records.ts';
import { Otlp } from '#lib/otlp/otlp.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import type { Limits } from '../exchange/limits.ts';

/** The time for the last figures at the end. */
const LAST_MS = 2_000;

interface PushOptions {
  readonly otlp?: OtlpSettings | null;
  readonly limits: Limits;
  readonly log: Log;
}

export class MetricPush {
  readonly #otlp: Otlp;
  readonly #read: () => Promise<readonly MetricJson[]>;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;

  private constructor(settings: OtlpSettings, { limits, log }: PushOptions, read: () => Promise<readonly MetricJson[]>) {
    this.#otlp = new Otlp({ settings, maxBytes: limits.maxOtlpQueueBytes, log });
    this.#read = read;
    this.#log = log;
    this.#timer = setInterval(() => void this.#push(), settings.metricsIntervalMs).unref();
  }

  /** Null unless metrics are to be pushed. */
  static start(options: PushOptions, read: () => Promise<readonly MetricJson[]>): MetricPush | null {
    const { otlp = null } = options;
    return otlp === null || otlp.metricsIntervalMs === 0 ? null : new MetricPush(otlp, options, read);
  }

  /** Metrics about the way to the collector. */
  families(): readonly MetricFamily[] {
    return this.#otlp.families();
  }

  /** Pushes the figures of the end. Resolves once they are read; `sent` when they have left, or after two seconds. */
  async last(): Promise<{ readonly sent: Promise<void> }> {
    clearInterval(this.#timer);
    await this.#push();
    return { sent: this.#otlp.close(LAST_MS) };
  }

  async #push(): Promise<void> {
    const queue = this.#otlp.metrics;
    // Counters grow on, so that the next push has all that a late one had.
    if (queue === null || queue.records > 0) return;
    try {
      const families = await this.#read();
      const now = Date.now();
      for (const family of families) for (const record of recordsOf(family, performance.timeOrigin, now)) queue.add(record);
      queue.flush();
    } catch (error) {
      this.#log.error({ err: error }, 'the metrics could not be read for the OpenTelemetry collector');
    }
  }
}
