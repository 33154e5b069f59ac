// What a worker keeps account of: the counters of requests, WebSockets, connections and backends, and the access log.
import type { Limits } from '../exchange/limits.ts';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { AccessLog } from './access-log.ts';
import { ExchangeRecorder, SessionRecorder } from './record.ts';
import { RequestMetrics } from './request-metrics.ts';
import { StreamMetrics } from './stream-metrics.ts';
import { WebSocketMetrics } from './websocket-metrics.ts';

export class Telemetry {
  readonly upstreams: UpstreamCounts;
  /** Null: there is none. */
  readonly accessLog: AccessLog | null;
  readonly exchanges: ExchangeRecorder;
  readonly sessions: SessionRecorder;
  readonly #metrics: readonly { families(): readonly MetricFamily[] }[];

  /** `accessLog`: `off`, `stdout` or a file. Throws when it cannot be opened. */
  constructor(limits: Limits, accessLog: string) {
    const [requests, webSockets, streams] = [new RequestMetrics(limits), new WebSocketMetrics(limits), new StreamMetrics(limits)];
    this.#metrics = [requests, webSockets, streams];
    this.upstreams = new UpstreamCounts(limits.maxMetricEndpoints);
    this.accessLog = accessLog === 'off' ? null : new AccessLog(accessLog);
    this.exchanges = new ExchangeRecorder(requests, webSockets, this.accessLog);
    this.sessions = new SessionRecorder(streams, this.accessLog);
  }

  /** Metrics of requests, WebSockets and connections. */
  families(): readonly MetricFamily[] {
    return this.#metrics.flatMap((metrics) => metrics.families());
  }
}
