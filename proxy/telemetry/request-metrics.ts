// Metrics of requests: a limited number of series per listener and route, counted in plain fields and read at the scrape.
import type { ExchangeListener } from '../exchange/exchange-events.ts';
import type { CacheOutcome, Exchange, FaultMark } from '../exchange/exchange.ts';
import { MAX_GRPC_STATUS } from '../exchange/grpc-status.ts';
import type { Limits } from '../exchange/limits.ts';
import { DurationSketch } from '#lib/duration-sketch.ts';
import { Histogram } from '#lib/histogram.ts';
import { single } from '#lib/metric.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';
import { ByOrigin } from './by-origin.ts';
import type { Counted } from './by-origin.ts';
import { ConsumerMetrics } from './consumer-metrics.ts';
import { StatusCounts } from './status-counts.ts';
import type { ReportedRoute } from './worker-report.ts';

/** A scrape drops series without a request for this many scrapes, so that removed routes free their memory. */
const MAX_IDLE_SCRAPES = 120;
const DURATION = 'weir_request_duration_seconds';

/** The series of one listener and route. */
class RequestSeries {
  readonly statuses = new StatusCounts();
  /** gRPC calls by status; null before the first. */
  byGrpcStatus: Float64Array | null = null;
  /** By code; null before the first. */
  errors: Map<string, number> | null = null;
  /** By what the cache did; null before the first request at a cache. */
  byCacheOutcome: Map<CacheOutcome, number> | null = null;
  readonly duration = new Histogram();
  /** The durations since the last report. */
  readonly sketch = new DurationSketch();
  requestBytes = 0;
  responseBytes = 0;
  retries = 0;
  fallbacks = 0;
  /** Injected faults. */
  delays = 0;
  aborts = 0;
  idleScrapes = 0;
}

export class RequestMetrics implements ExchangeListener {
  #active = 0;
  readonly #origins: ByOrigin<RequestSeries>;
  readonly #consumers = new ConsumerMetrics();

  constructor({ maxMetricRoutes }: Pick<Limits, 'maxMetricRoutes'>) {
    this.#origins = new ByOrigin(maxMetricRoutes, () => new RequestSeries());
  }

  /** Open exchanges. */
  get active(): number {
    return this.#active;
  }

  started(): void {
    this.#active++;
  }

  /** Counts a finished exchange. `ms` is its duration. */
  ended(exchange: Exchange, ms: number): void {
    this.#active--;
    const series = this.#origins.of(exchange.listener, exchange.route === null ? '' : exchange.route.key);
    series.statuses.count(exchange.status);
    if (exchange.grpcStatus >= 0) countCall(series, exchange.grpcStatus);
    const bucket = series.duration.observe(ms);
    const { trace, principal } = exchange;
    if (trace !== null && trace.sampled) series.duration.exemplify(bucket, ms, trace);
    series.sketch.observe(ms);
    series.requestBytes += exchange.requestBytes;
    series.responseBytes += exchange.responseBytes;
    series.idleScrapes = 0;
    countOutcome(series, exchange);
    if (principal !== null && principal.consumer !== '') this.#consumers.count(exchange, principal, ms);
  }

  /** The counters of each listener and route, for reports. */
  *routes(): Iterable<ReportedRoute> {
    for (const { labels, series } of this.#origins) {
      const { statuses, errors, duration, sketch, requestBytes, responseBytes } = series;
      const counts = { requests: duration.total, classes: statuses.classes(), errors, requestBytes, responseBytes };
      yield { route: String(labels['route']), series, ...counts, duration, sketch };
    }
  }

  /** The metric families. Labels: see ByOrigin. */
  families(): readonly MetricFamily[] {
    return [
      single('weir_requests_active', 'gauge', 'Open requests', () => this.#active),
      {
        name: 'weir_requests_total',
        type: 'counter',
        help: 'Requests answered, by status',
        read: () => {
          this.#origins.forget((series) => ++series.idleScrapes > MAX_IDLE_SCRAPES);
          return [...this.#origins].flatMap(({ labels, series }) => series.statuses.samples(labels));
        },
      },
      this.#family('weir_grpc_requests_total', 'counter', 'gRPC calls, by gRPC status', callSamples),
      this.#family(DURATION, 'histogram', 'Time from the first byte of a request to the end of its answer', ({ labels, series }) =>
        series.duration.samples(DURATION, labels),
      ),
      this.#sums('weir_request_bytes_total', 'Bytes of request bodies', (series) => series.requestBytes),
      this.#sums('weir_response_bytes_total', 'Bytes of answer bodies', (series) => series.responseBytes),
      this.#sums('weir_request_retries_total', 'Attempts after the first', (series) => series.retries),
      this.#family('weir_errors_total', 'counter', 'Failed requests and answers of the proxy itself, by code', errorSamples),
      this.#sums('weir_fallback_answers_total', 'Fixed answers because the backend gave none', (series) => series.fallbacks),
      this.#family('weir_faults_injected_total', 'counter', 'Faults that policies injected into requests, by fault', faultSamples),
      this.#family('weir_route_cache_requests_total', 'counter', 'Requests of routes with a cache, by what the cache did', cacheSamples),
      ...this.#consumers.families(),
    ];
  }

  #sums(name: string, help: string, pick: (series: RequestSeries) => number): MetricFamily {
    return this.#family(name, 'counter', help, ({ labels, series }) => [{ labels, value: pick(series) }]);
  }

  #family(
    name: string,
    type: MetricFamily['type'],
    help: string,
    samples: (counted: Counted<RequestSeries>) => readonly Sample[],
  ): MetricFamily {
    return { name, type, help, read: () => [...this.#origins].flatMap(samples) };
  }
}

/** What most requests do not have. */
function countOutcome(series: RequestSeries, { attempts, fellBack, fault, error, cacheOutcome }: Exchange): void {
  if (attempts > 1) series.retries += attempts - 1;
  if (fellBack) series.fallbacks++;
  if (fault !== '') countFault(series, fault);
  if (error !== null) countError(series, error.code);
  if (cacheOutcome !== '') countCache(series, cacheOutcome);
}

function countCall(series: RequestSeries, status: number): void {
  const counts = (series.byGrpcStatus ??= new Float64Array(MAX_GRPC_STATUS + 1));
  counts[status] = (counts[status] as number) + 1;
}

function countError(series: RequestSeries, code: string): void {
  const errors = (series.errors ??= new Map<string, number>());
  errors.set(code, (errors.get(code) ?? 0) + 1);
}

function countCache(series: RequestSeries, outcome: CacheOutcome): void {
  const counts = (series.byCacheOutcome ??= new Map<CacheOutcome, number>());
  counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
}

function countFault(series: RequestSeries, fault: FaultMark): void {
  if (fault !== 'abort') series.delays++;
  if (fault !== 'delay') series.aborts++;
}

function faultSamples({ labels, series }: Counted<RequestSeries>): Sample[] {
  const counts = [
    ['delay', series.delays],
    ['abort', series.aborts],
  ] as const;
  return counts.filter(([, value]) => value > 0).map(([fault, value]) => ({ labels: { ...labels, fault }, value }));
}

function cacheSamples({ labels, series }: Counted<RequestSeries>): Sample[] {
  return Array.from(series.byCacheOutcome ?? [], ([outcome, value]) => ({ labels: { ...labels, outcome }, value }));
}

function callSamples({ labels, series }: Counted<RequestSeries>): Sample[] {
  const samples: Sample[] = [];
  series.byGrpcStatus?.forEach((value, status) => {
    if (value > 0) samples.push({ labels: { ...labels, grpc_status: String(status) }, value });
  });
  return samples;
}

function errorSamples({ labels, series }: Counted<RequestSeries>): Sample[] {
  return Array.from(series.errors ?? [], ([code, value]) => ({ labels: { ...labels, code }, value }));
}
