// Metrics of connections that are passed on as a whole, with a bounded number of series: one set per route.
import type { StreamSession } from '../exchange/stream-session.ts';
import { ByRoute } from './by-route.ts';
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';

/** What is counted per route. */
interface RouteSeries {
  connections: number;
  receivedBytes: number;
  sentBytes: number;
}

export class StreamMetrics {
  readonly #active = new Set<StreamSession>();
  readonly #routes = new ByRoute<RouteSeries>(() => ({ connections: 0, receivedBytes: 0, sentBytes: 0 }));
  readonly #failures = new Map<string, number>();

  started(session: StreamSession): void {
    this.#active.add(session);
    this.#routes.of(routeOf(session)).connections++;
  }

  ended(session: StreamSession): void {
    if (!this.#active.delete(session)) return;
    addBytes(this.#routes.of(routeOf(session)), session);
    const { error } = session;
    if (error !== null) this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1);
  }

  /** What to expose. Label `route`: `<namespace>/<name>`, `none` where no route wanted the connection, `other` beyond the bound. */
  families(): readonly MetricFamily[] {
    return [
      single('weir_stream_connections_active', 'gauge', 'Connections of stream routes that are open', () => this.#active.size),
      this.#family('weir_stream_connections_total', 'Connections of stream routes', ({ connections }) => connections),
      this.#family('weir_stream_received_bytes_total', 'Bytes received from downstream', ({ receivedBytes }) => receivedBytes),
      this.#family('weir_stream_sent_bytes_total', 'Bytes sent downstream', ({ sentBytes }) => sentBytes),
      {
        name: 'weir_stream_failures_total',
        type: 'counter',
        help: 'Connections of stream routes that did not end as their peers wanted, by code',
        read: () => [...this.#failures].map(([code, value]) => ({ labels: { code }, value })),
      },
    ];
  }

  #family(name: string, help: string, pick: (series: RouteSeries) => number): MetricFamily {
    const read = () => [...this.#current()].map(([route, series]) => ({ labels: { route }, value: pick(series) }));
    return { name, type: 'counter', help, read };
  }

  /** Open connections live for days: what they have carried so far counts. */
  #current(): ReadonlyMap<string, RouteSeries> {
    const current = new Map(Array.from(this.#routes, ([route, series]) => [route, { ...series }]));
    for (const session of this.#active) {
      const series = current.get(this.#routes.nameOf(routeOf(session)));
      if (series !== undefined) addBytes(series, session);
    }
    return current;
  }
}

function routeOf({ target }: StreamSession): string {
  return target.plan?.routeName ?? 'none';
}

function addBytes(series: RouteSeries, { receivedBytes, sentBytes }: StreamSession): void {
  series.receivedBytes += receivedBytes;
  series.sentBytes += sentBytes;
}
