// The way out to an OpenTelemetry collector: a queue for each signal. Nothing is loaded and nothing runs before the first record.
import type { Log } from '../log.ts';
import type { MetricFamily, Sample } from '../metric.ts';
import type { WireWriter } from '../protobuf/wire-writer.ts';
import { WEIR_VERSION } from '../version.ts';
import { writeLog } from './encode-log.ts';
import { writeMetric } from './encode-metric.ts';
import type { MetricRecord } from './encode-metric.ts';
import { writeSpan } from './encode-span.ts';
import { DROP_REASONS, RecordQueue } from './queue.ts';
import type { LogRecord, SpanRecord } from './records.ts';
import type { SenderTimes } from './sender.ts';
import type { OtlpSettings, Signal } from './settings.ts';

export interface OtlpOptions {
  readonly settings: OtlpSettings;
  /** The most bytes that wait or are under way, for each signal. */
  readonly maxBytes: number;
  readonly log?: Log | undefined;
  readonly times?: SenderTimes;
}

/** A family of metrics may have many series. */
const MAX_METRIC_BYTES = 1_048_576;

export class Otlp {
  readonly #options: OtlpOptions;
  readonly #queues = new Map<Signal, RecordQueue<never>>();

  constructor(options: OtlpOptions) {
    this.#options = options;
  }

  /** Null if there is no endpoint for traces. A caller keeps it, since it costs a look-up. */
  get traces(): RecordQueue<SpanRecord> | null {
    return this.#queue('traces', writeSpan);
  }

  /** As traces. */
  get logs(): RecordQueue<LogRecord> | null {
    return this.#queue('logs', writeLog);
  }

  /** As traces. */
  get metrics(): RecordQueue<MetricRecord> | null {
    return this.#queue('metrics', writeMetric, MAX_METRIC_BYTES);
  }

  /** Sends what is left of all signals for up to `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    await Promise.all(Array.from(this.#queues.values(), (queue) => queue.close(timeoutMs)));
  }

  /** Metrics of the queues. */
  families(): readonly MetricFamily[] {
    const read = (sample: (signal: Signal, queue: RecordQueue<never>) => readonly Sample[]) => () =>
      Array.from(this.#queues, ([signal, queue]) => sample(signal, queue)).flat();
    return [
      {
        name: 'weir_otlp_exported_records_total',
        type: 'counter',
        help: 'Spans, log records and metrics that an OpenTelemetry collector has taken',
        read: read((signal, { exported }) => [{ labels: { signal }, value: exported }]),
      },
      {
        name: 'weir_otlp_dropped_records_total',
        type: 'counter',
        help: 'Spans, log records and metrics that no OpenTelemetry collector has got, by reason',
        read: read((signal, { dropped }) => DROP_REASONS.map((reason) => ({ labels: { signal, reason }, value: dropped[reason] }))),
      },
      {
        name: 'weir_otlp_requests_total',
        type: 'counter',
        help: 'Requests to OpenTelemetry collectors, by result',
        read: read((signal, { requests }) => Object.entries(requests).map(([result, value]) => ({ labels: { signal, result }, value }))),
      },
      {
        name: 'weir_otlp_queue_bytes',
        type: 'gauge',
        help: 'Bytes that wait for an OpenTelemetry collector or are under way to it',
        read: read((signal, { bytes }) => [{ labels: { signal }, value: bytes }]),
      },
    ];
  }

  #queue<R>(signal: Signal, write: (writer: WireWriter, record: R) => void, maxRecordBytes?: number): RecordQueue<R> | null {
    const settings = this.#options.settings.signals[signal];
    if (settings === undefined) return null;
    const known = this.#queues.get(signal);
    if (known !== undefined) return known as unknown as RecordQueue<R>;
    const { maxBytes, log, times, settings: all } = this.#options;
    const queue = new RecordQueue<R>({
      ...{ settings, write, maxBytes, log },
      ...(maxRecordBytes === undefined ? {} : { maxRecordBytes }),
      ...(times === undefined ? {} : { times }),
      origin: { resource: all.resource, scope: { name: 'weir', version: WEIR_VERSION } },
    });
    this.#queues.set(signal, queue as unknown as RecordQueue<never>);
    return queue;
  }
}
