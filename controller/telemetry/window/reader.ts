// The questions to the window of the last two hours, and to a Prometheus for longer ranges: alerts, the command line and the dashboard
// read through this interface only.
import type { Result } from '#lib/result.ts';

/**
 * Counters and durations by their labels:
 *
 *   requests, errors, request_duration, request_bytes, response_bytes      of routes
 *   upstream_attempts, upstream_failures, upstream_connect_failures, upstream_first_byte      of endpoints
 *
 * A name is that of the metric of proxies, without `weir_` and its ending.
 */
export type WindowMetric = keyof typeof WINDOW_METRICS;

/** The labels of each metric. Durations are those with percentiles. */
export const WINDOW_METRICS = {
  requests: { labels: ['route', 'class'], isDuration: false },
  errors: { labels: ['route', 'code'], isDuration: false },
  request_duration: { labels: ['route'], isDuration: true },
  request_bytes: { labels: ['route'], isDuration: false },
  response_bytes: { labels: ['route'], isDuration: false },
  upstream_attempts: { labels: ['backend', 'endpoint'], isDuration: false },
  upstream_failures: { labels: ['backend', 'endpoint', 'code'], isDuration: false },
  upstream_connect_failures: { labels: ['backend', 'endpoint'], isDuration: false },
  upstream_first_byte: { labels: ['backend', 'endpoint'], isDuration: true },
} as const satisfies Readonly<Record<string, { readonly labels: readonly LabelName[]; readonly isDuration: boolean }>>;

/**
 * `class`: 1xx to 5xx, or none for a connection without an answer. `code`: of an error; an answer with 5xx is the failure `status_5xx` of
 * its endpoint.
 */
export type LabelName = 'route' | 'class' | 'code' | 'backend' | 'endpoint';

/** A condition on a label. `starts`: the value begins with the text. */
export interface Matcher {
  readonly label: LabelName;
  readonly is: 'equal' | 'unequal' | 'starts';
  readonly value: string;
}

/** The values of a metric in a time, added up by some of their labels. */
export interface Selection {
  readonly metric: WindowMetric;
  /** All must hold. */
  readonly where?: readonly Matcher[];
  /** One value for each combination of these; one value in all without any. */
  readonly by?: readonly LabelName[];
  /** The length of the time, milliseconds. Two hours at most without a Prometheus. */
  readonly rangeMs: number;
  /** How long ago the time ended, milliseconds; 0 by default. */
  readonly offsetMs?: number;
}

/** A value of a combination of labels. */
export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Values, the greatest first. */
export interface Values {
  readonly values: readonly LabelledValue[];
  /** How much of the range is known, milliseconds: less after the start of a controller. */
  readonly knownMs: number;
  /** Controllers that did not answer: the values lack their proxies. */
  readonly missing: readonly string[];
}

/** Values at equal intervals. */
export interface History {
  readonly intervalMs: number;
  /** The end of the last interval, milliseconds since the epoch. */
  readonly endsAt: number;
  /** By the labels: one value for each interval, the oldest first. */
  readonly series: readonly { readonly labels: Readonly<Record<string, string>>; readonly values: readonly number[] }[];
  readonly missing: readonly string[];
}

/** The present state of what the controllers and their proxies report: the labels of each gauge. */
export const GAUGES = {
  /** Endpoints, and those that at least one proxy chooses. */
  endpoints: ['backend'],
  endpoints_usable: ['backend'],
  /** 1 if the circuit breaker is open at any proxy, else 0. Backends without a breaker are absent. */
  breaker_open: ['backend'],
  /** By the state `reporting`, `late`, `away` or `no telemetry`. */
  proxies: ['scope', 'state'],
  /** Proxies that serve another revision than most of their scope. */
  proxies_outdated: ['scope'],
  proxies_draining: ['scope'],
  /** Listeners that cannot be served. */
  listeners_unserved: [],
  connections: ['scope'],
  requests_active: ['scope'],
  memory_bytes: ['proxy'],
  event_loop_lag_seconds: ['proxy'],
  /** Until the certificate of a listener expires; below 0 afterwards. */
  certificate_expiry_seconds: ['secret'],
  /** Resources that proxies refuse, as the leader knows it. */
  resources_refused: [],
  /** The part of a limit that its busiest key has taken, 0 to 1. */
  limits_saturated: ['limit'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type GaugeName = keyof typeof GAUGES;

/** Answers about the proxies of all controllers. Never rejects: an error says why there is no answer. */
export interface WindowReader {
  /** The sums of a counter, or the number of durations. */
  sum(selection: Selection): Promise<Result<Values>>;
  /** The sums per second. */
  rate(selection: Selection): Promise<Result<Values>>;
  /** The sums of one selection divided by those of another, by the same labels. No value where the divisor is 0. */
  ratio(part: Selection, whole: Selection): Promise<Result<Values>>;
  /** The duration that `share` (0 to 1) of the durations does not exceed, in seconds, within 2 %. */
  quantile(share: number, selection: Selection): Promise<Result<Values>>;
  /** The share (0 to 1) of the durations that are longer than so many seconds; the limit is met within 2 %. */
  above(seconds: number, selection: Selection): Promise<Result<Values>>;
  /** The sums of a counter per second in `intervals` equal parts of the range. */
  history(selection: Selection, intervals: number): Promise<Result<History>>;
  /** The present values of a gauge. Without values if nothing reports it. */
  gauge(name: GaugeName): Promise<Result<Values>>;
}
