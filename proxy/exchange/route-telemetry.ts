// What TelemetryPolicies say about the requests of a rule at a listener. Rules with equal settings share one object, so that a consumer can
// keep what it makes of them.
import type { Redactor } from '#lib/redaction/redactor.ts';
import type { Exchange } from './exchange.ts';
import type { RequestIdPlan } from './request-id.ts';
import type { TracingPlan } from './tracing.ts';

/** Whether something holds for a request that took so many milliseconds. */
export type ExchangeCondition = (exchange: Exchange, ms: number) => boolean;

export interface RouteTelemetry {
  /** Equal for equal settings. */
  readonly id: string;
  /** Hides secrets in everything that is told about requests; null: the default one does (lib/redaction). */
  readonly redactor: Redactor | null;
  /** Null: no policy sets any of it. */
  readonly accessLog: AccessLogPlan | null;
  readonly requestId: RequestIdPlan | null;
  readonly tracing: TracingPlan | null;
  /** Null: no policy defines metrics. */
  readonly metrics: MetricsPlan | null;
}

/** The destinations of lines: that of `--access-log`, and further ones. */
export type SinkName = 'Output' | 'OTLP' | 'Syslog';

/** Which requests have lines in the access log, and what is in them. */
export interface AccessLogPlan {
  /** Null: the flag of the proxy decides. */
  readonly enabled: boolean | null;
  /** Whether a request that took so many milliseconds has a line; null: the filter of the proxy decides. */
  readonly keeps: ExchangeCondition | null;
  /** The share of lines that are written, 0 to 1. */
  readonly share: number;
  /** Lines that are written whatever the share; null: none. */
  readonly always: ExchangeCondition | null;
  /** The fields of the lines, in JSON then, as a flag writes them; null: lines of the format of the proxy. */
  readonly fields: string | null;
  /** The destinations, of those that the proxy has; null: all. */
  readonly sinks: readonly SinkName[] | null;
}

/** Metrics of requests that a policy defines. */
export interface MetricsPlan {
  readonly definitions: readonly MetricDefinition[];
  /** Measures an exchange that took so many milliseconds, and hands each value to `take`. */
  measure(exchange: Exchange, ms: number, take: Taker): void;
}

/** Takes a value with its labels, in the order of their names; null: an expression has no value for this request. */
export type Taker = (definition: MetricDefinition, value: number | null, labels: readonly string[]) => void;

export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  /** Upper bounds of a histogram; null: a counter. */
  readonly bounds: readonly number[] | null;
  readonly labels: readonly string[];
  /** Series in one worker; the others share one. */
  readonly maxSeries: number;
}
