// The telemetry of a worker: counters of requests, WebSockets, connections and backends, and the access log.
import type { Log as ServiceLog } from '#lib/log.ts';
import { Otlp } from '#lib/otlp/otlp.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import { ExchangeEvents } from '../exchange/exchange-events.ts';
import type { RouteTelemetry } from '../exchange/route-telemetry.ts';
import { DEFAULT_TRACING } from '../exchange/tracing.ts';
import type { TracingSettings } from '../exchange/tracing.ts';
import type { Limits } from '../exchange/limits.ts';
import { UpstreamCounts } from '../exchange/upstream-counts.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { AccessLog, DEFAULT_ACCESS_LOG } from './access-log/access-log.ts';
import type { AccessLogSettings, Log } from './access-log/access-log.ts';
import { OtlpSink, SyslogSink, type FurtherSink } from './access-log/further-sinks.ts';
import { RecentRequests } from './access-log/recent-requests.ts';
import { LogSink } from './access-log/sink.ts';
import { Tap } from './access-log/tap.ts';
import { TappedLog } from './access-log/tapped-log.ts';
import type { Inspected, Inspecting, TailInspection } from '../inspection/inspection.ts';
import { RequestIds } from './request-ids.ts';
import { PolicyMetrics } from './policy-metrics.ts';
import { RequestMetrics } from './request-metrics.ts';
import { SecurityLog } from './security-log.ts';
import { ErrorGroups } from './errors/error-groups.ts';
import { SessionRecorder } from './session-recorder.ts';
import { StreamMetrics } from './stream-metrics.ts';
import { Tracer } from './tracing/tracer.ts';
import { UnresolvedPolicies } from './unresolved-policies.ts';
import { WebSocketMetrics } from './websocket-metrics.ts';
import type { ReportedRoute } from './worker-report.ts';

export interface TelemetryOptions {
  readonly limits: Limits;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  /** JSON with the default fields, without a filter, by default. */
  readonly accessLogSettings?: AccessLogSettings;
  /** `off`, `stdout` or a file; `off` by default. */
  readonly securityLog?: string;
  /** Null, the default: nothing goes to an OpenTelemetry collector. */
  readonly otlp?: OtlpSettings | null;
  /** Of requests without a policy; without it the defaults of the flags. */
  readonly tracing?: TracingSettings;
  /** For failures of that collector. */
  readonly log?: ServiceLog | undefined;
  /** Whether other workers write to the same log. */
  readonly reusePort: boolean;
}

export class Telemetry {
  readonly upstreams: UpstreamCounts;
  /** The way to an OpenTelemetry collector, or null. */
  readonly otlp: Otlp | null;
  readonly accessLog: AccessLog;
  readonly security: SecurityLog;
  readonly exchanges: ExchangeEvents;
  readonly sessions: SessionRecorder;
  /** Failures, for reports. */
  readonly errors: ErrorGroups;
  /** Null: none are kept. */
  readonly recent: RecentRequests | null;
  readonly #metrics: readonly { families(): readonly MetricFamily[] }[];
  readonly #requests: RequestMetrics;
  readonly #streams: StreamMetrics;
  readonly #tapped: TappedLog;
  /** The access log, if a flag or a policy has turned it on. */
  #own: AccessLog | null;
  /** Null without a collector for traces. It listens once a flag or a policy asks for traces. */
  readonly #tracer: Tracer | null;
  #isTracing = false;
  /** Null: no policy asks for ids of requests. */
  #requestIds: RequestIds | null = null;
  /** Null: no policy defines metrics. */
  #measured: PolicyMetrics | null = null;
  readonly #expose: (families: readonly MetricFamily[]) => void;
  /** The same, or that with its taps; null: neither. */
  #log: Log | null = null;
  /** That of the security log, if it is not that of the access log. */
  readonly #securitySink: LogSink | null;

  /** `expose`: takes metrics that policies define later. Throws if a log cannot be opened. */
  constructor(options: TelemetryOptions, expose: (families: readonly MetricFamily[]) => void) {
    this.#expose = expose;
    const { limits, accessLog, accessLogSettings = DEFAULT_ACCESS_LOG, securityLog = 'off', reusePort } = options;
    const [requests, webSockets, streams] = [new RequestMetrics(limits), new WebSocketMetrics(limits), new StreamMetrics(limits)];
    this.#requests = requests;
    this.#streams = streams;
    this.upstreams = new UpstreamCounts(limits.maxMetricEndpoints);
    this.otlp = otlpOf(options);
    this.accessLog = new AccessLog(accessLog, reusePort, accessLogSettings, furtherSinks(accessLogSettings, this.otlp, options.log));
    this.#own = this.accessLog.isOn ? this.accessLog : null;
    const shared = securityLog === accessLog ? this.accessLog.sink : null;
    this.#securitySink = securityLog === 'off' || shared !== null ? null : new LogSink(securityLog, reusePort);
    this.security = new SecurityLog(shared ?? this.#securitySink);
    this.#metrics = [requests, webSockets, streams, this.security, ...(this.otlp === null ? [] : [this.otlp])];
    this.recent = recentOf(accessLogSettings, limits);
    this.errors = new ErrorGroups(this.recent);
    this.exchanges = new ExchangeEvents(requests, webSockets, new UnresolvedPolicies(this.security), this.errors);
    this.sessions = new SessionRecorder(streams, this.errors, this.recent);
    this.#tracer = tracerOf(this.otlp, options);
    this.#traceIf(this.#tracer?.isOn);
    this.#logTo(this.#own);
    this.#tapped = new TappedLog(this.accessLog, accessLogSettings.format);
    rememberAll(this.exchanges, this.recent);
  }

  /** Hands lines of the access log to a reader until the signal. */
  async tail(inspection: TailInspection, inspecting: Inspecting): Promise<Inspected> {
    const tap = new Tap(inspection);
    this.#tapped.add(tap);
    this.#logTo(this.#tapped);
    try {
      return await tap.run(inspecting);
    } finally {
      this.#tapped.remove(tap);
      if (this.#tapped.size === 0) this.#logTo(this.#own);
    }
  }

  /** Follows what a policy says about some rules, before their first request: consumers that flags leave off listen from now on. */
  follow({ accessLog, requestId, tracing, metrics }: RouteTelemetry): void {
    this.#traceIf(tracing?.enabled);
    if (metrics !== null) this.#policyMetrics().follow(metrics);
    if (requestId !== null && this.#requestIds === null) this.exchanges.add((this.#requestIds = new RequestIds()));
    if (accessLog?.enabled !== true || this.#own !== null) return;
    this.#own = this.accessLog;
    if (this.#log === null) this.#logTo(this.#own);
  }

  /** The revision of the configuration from now on, for spans. */
  revised(revision: string): void {
    if (this.#tracer !== null) this.#tracer.revision = revision;
  }

  #traceIf(wanted: boolean | null | undefined): void {
    if (wanted !== true || this.#tracer === null || this.#isTracing) return;
    this.exchanges.add(this.#tracer);
    this.#isTracing = true;
  }

  /** Those that policies define: made with the first one. */
  #policyMetrics(): PolicyMetrics {
    if (this.#measured === null) this.exchanges.add((this.#measured = new PolicyMetrics(this.#expose)));
    return this.#measured;
  }

  #logTo(log: Log | null): void {
    if (this.#log !== null) this.exchanges.remove(this.#log);
    if (log !== null) this.exchanges.add(log);
    this.#log = log;
    this.sessions.logTo(log);
  }

  /** Reopens the files of the logs after a rename. Returns null, or the error if a log keeps the old file. */
  reopenLogs(): string | null {
    return this.accessLog.reopen() ?? this.#securitySink?.reopen() ?? null;
  }

  /** Writes the gathered lines: see LogSink.close. Sends what waits for a collector. */
  async close(timeout: number): Promise<boolean> {
    const closed = await Promise.all([this.accessLog.close(timeout), this.#securitySink?.close(timeout) ?? true]);
    // After the logs, which may go there too.
    await this.otlp?.close(timeout);
    return closed.every(Boolean);
  }

  /** Open requests. */
  get requests(): number {
    return this.#requests.active;
  }

  /** The counters of each listener and route, for reports. */
  *routes(): Iterable<ReportedRoute> {
    yield* this.#requests.routes();
    yield* this.#streams.routes();
  }

  /** Metrics of requests, WebSockets and connections. */
  families(): readonly MetricFamily[] {
    return this.#metrics.flatMap((metrics) => metrics.families());
  }
}

function tracerOf(otlp: Otlp | null, { tracing = DEFAULT_TRACING }: TelemetryOptions): Tracer | null {
  const spans = otlp?.traces ?? null;
  return spans === null ? null : new Tracer(tracing, spans);
}

function otlpOf({ otlp = null, limits, log }: TelemetryOptions): Otlp | null {
  return otlp === null ? null : new Otlp({ settings: otlp, maxBytes: limits.maxOtlpQueueBytes, log });
}

function recentOf({ format, recent = 'failed' }: AccessLogSettings, { maxRecentRequestBytes: maxBytes }: Limits): RecentRequests | null {
  return recent === 'off' ? null : new RecentRequests({ format, maxBytes, all: recent === 'all' });
}

function rememberAll(exchanges: ExchangeEvents, recent: RecentRequests | null): void {
  if (recent?.hasAll === true) exchanges.add(recent);
}

/** The destinations of lines besides that of the flag of the log. */
function furtherSinks(
  { otlp = false, syslog = null }: AccessLogSettings,
  collector: Otlp | null,
  log?: ServiceLog,
): readonly FurtherSink[] {
  const queue = otlp ? (collector?.logs ?? null) : null;
  return [...(queue === null ? [] : [new OtlpSink(queue)]), ...(syslog === null ? [] : [new SyslogSink(syslog, log)])];
}
