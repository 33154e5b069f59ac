// Metrics of requests with a bounded number of series: one set per route, counted in plain fields and read at the scrape.
import type { Exchange } from '../exchange/exchange.ts';
import { MAX_GRPC_STATUS } from '../exchange/grpc-status.ts';
import { ByRoute } from './by-route.ts';
import { Histogram } from '#lib/histogram.ts';
import { single } from '#lib/metric.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';

/** Series of a route that saw no request for so many scrapes are dropped: the route is gone, or as good as gone. */
const MAX_IDLE_SCRAPES = 120;
const DURATION = 'weir_request_duration_seconds';

/** What is counted per route. */
class RouteSeries {
  /** Requests by class of status: index 1 to 5. */
  readonly byClass = new Float64Array(6);
  /** gRPC calls by status; null before the first. */
  byGrpcStatus: Float64Array | null = null;
  readonly duration = new Histogram();
  requestBytes = 0;
  responseBytes = 0;
  retries = 0;
  idleScrapes = 0;
}

export class RequestMetrics {
  #active = 0;
  readonly #routes = new ByRoute(() => new RouteSeries());
  readonly #errors = new Map<string, number>();

  /** Exchanges in flight. */
  get active(): number {
    return this.#active;
  }

  started(): void {
    this.#active++;
  }

  /** Counts a finished exchange. `ms` is how long it took. */
  finished(exchange: Exchange, ms: number): void {
    this.#active--;
    const series = this.#routes.of(exchange.route === null ? 'none' : exchange.route.routeName);
    const statusClass = Math.min(5, Math.floor(exchange.status / 100));
    series.byClass[statusClass] = (series.byClass[statusClass] as number) + 1;
    if (exchange.grpcStatus >= 0) countCall(series, exchange.grpcStatus);
    series.duration.observe(ms);
    series.requestBytes += exchange.requestBytes;
    series.responseBytes += exchange.responseBytes;
    if (exchange.attempts > 1) series.retries += exchange.attempts - 1;
    series.idleScrapes = 0;
    if (exchange.error !== null) this.#errors.set(exchange.error.code, (this.#errors.get(exchange.error.code) ?? 0) + 1);
  }

  /** What to expose. Label `route`: `<namespace>/<name>`, `none` where no route matched, `other` beyond the bound. */
  families(): readonly MetricFamily[] {
    return [
      single('weir_requests_active', 'gauge', 'Requests in flight', () => this.#active),
      {
        name: 'weir_requests_total',
        type: 'counter',
        help: 'Requests answered, by route and class of status',
        read: () => {
          this.#forgetIdle();
          return [...this.#routes].flatMap(([route, series]) => classSamples(route, series));
        },
      },
      {
        name: 'weir_grpc_requests_total',
        type: 'counter',
        help: 'gRPC calls, by route and gRPC status',
        read: () => [...this.#routes].flatMap(([route, series]) => callSamples(route, series)),
      },
      {
        name: DURATION,
        type: 'histogram',
        help: 'Time from the first byte of a request to the end of its answer',
        read: () => [...this.#routes].flatMap(([route, series]) => series.duration.samples(DURATION, { route })),
      },
      this.#sums('weir_request_bytes_total', 'Bytes of request bodies', (series) => series.requestBytes),
      this.#sums('weir_response_bytes_total', 'Bytes of answer bodies', (series) => series.responseBytes),
      this.#sums('weir_request_retries_total', 'Attempts after the first', (series) => series.retries),
      {
        name: 'weir_errors_total',
        type: 'counter',
        help: 'Failed exchanges and answers of the proxy itself, by code',
        read: () => [...this.#errors].map(([code, value]) => ({ labels: { code }, value })),
      },
    ];
  }

  #forgetIdle(): void {
    for (const [route, series] of this.#routes) {
      if (++series.idleScrapes > MAX_IDLE_SCRAPES) this.#routes.forget(route);
    }
  }

  #sums(name: string, help: string, pick: (series: RouteSeries) => number): MetricFamily {
    const read = (): Sample[] => [...this.#routes].map(([route, series]) => ({ labels: { route }, value: pick(series) }));
    return { name, type: 'counter', help, read };
  }
}

function countCall(series: RouteSeries, status: number): void {
  const counts = (series.byGrpcStatus ??= new Float64Array(MAX_GRPC_STATUS + 1));
  counts[status] = (counts[status] as number) + 1;
}

function callSamples(route: string, series: RouteSeries): Sample[] {
  const samples: Sample[] = [];
  series.byGrpcStatus?.forEach((value, status) => {
    if (value > 0) samples.push({ labels: { route, grpc_status: String(status) }, value });
  });
  return samples;
}

function classSamples(route: string, series: RouteSeries): Sample[] {
  const samples: Sample[] = [];
  series.byClass.forEach((value, index) => {
    if (value > 0) samples.push({ labels: { route, status_class: `${index}xx` }, value });
  });
  return samples;
}
