// Metrics of streams (connections that are passed on): a limited number of series per listener and route.
import type { StreamSession } from '../exchange/stream-session.ts';
import type { Limits } from '../exchange/limits.ts';
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { ByOrigin } from './by-origin.ts';
import type { ReportedRoute } from './worker-report.ts';

/** The series of one listener and route. */
interface StreamSeries {
  connections: number;
  receivedBytes: number;
  sentBytes: number;
  readonly failures: Map<string, number>;
}

export class StreamMetrics {
  readonly #active = new Set<StreamSession>();
  readonly #origins: ByOrigin<StreamSeries>;

  constructor({ maxMetricRoutes }: Pick<Limits, 'maxMetricRoutes'>) {
    this.#origins = new ByOrigin(maxMetricRoutes, () => ({ connections: 0, receivedBytes: 0, sentBytes: 0, failures: new Map() }));
  }

  started(session: StreamSession): void {
    this.#active.add(session);
    this.#seriesOf(session).connections++;
  }

  ended(session: StreamSession): void {
    if (!this.#active.delete(session)) return;
    const series = this.#seriesOf(session);
    addBytes(series, session);
    const { error } = session;
    if (error !== null) series.failures.set(error.code, (series.failures.get(error.code) ?? 0) + 1);
  }

  /** The counters of each listener and route, for reports. */
  *routes(): Iterable<ReportedRoute> {
    for (const { labels, series } of this.#origins) {
      const { connections, failures, receivedBytes, sentBytes } = series;
      const counts = { requests: connections, classes: [], errors: failures, requestBytes: receivedBytes, responseBytes: sentBytes };
      yield { route: String(labels['route']), series, ...counts, duration: null, sketch: null };
    }
  }

  /** The metric families. Labels: see ByOrigin. */
  families(): readonly MetricFamily[] {
    return [
      single('weir_stream_connections_active', 'gauge', 'Open connections of stream routes', () => this.#active.size),
      this.#family('weir_stream_connections_total', 'Connections of stream routes', ({ connections }) => connections),
      this.#family('weir_stream_received_bytes_total', 'Bytes received from downstream', ({ receivedBytes }) => receivedBytes),
      this.#family('weir_stream_sent_bytes_total', 'Bytes sent downstream', ({ sentBytes }) => sentBytes),
      {
        name: 'weir_stream_failures_total',
        type: 'counter',
        help: 'Failed connections of stream routes, by code',
        read: () =>
          Array.from(this.#origins).flatMap(({ labels, series }) =>
            Array.from(series.failures, ([code, value]) => ({ labels: { ...labels, code }, value })),
          ),
      },
    ];
  }

  #seriesOf({ target }: StreamSession): StreamSeries {
    return this.#origins.of(target.listener, target.plan?.key ?? '');
  }

  #family(name: string, help: string, pick: (series: StreamSeries) => number): MetricFamily {
    const read = () => {
      const current = this.#current();
      return Array.from(this.#origins, ({ labels, series }) => ({ labels, value: pick(current.get(series) ?? series) }));
    };
    return { name, type: 'counter', help, read };
  }

  /** Adds the bytes of open connections, which may stay open for days. */
  #current(): ReadonlyMap<StreamSeries, StreamSeries> {
    const current = new Map<StreamSeries, StreamSeries>();
    for (const session of this.#active) {
      const series = this.#seriesOf(session);
      const sums = current.get(series) ?? { ...series };
      addBytes(sums, session);
      current.set(series, sums);
    }
    return current;
  }
}

function addBytes(series: StreamSeries, { receivedBytes, sentBytes }: StreamSession): void {
  series.receivedBytes += receivedBytes;
  series.sentBytes += sentBytes;
}
