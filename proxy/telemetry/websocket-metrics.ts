// Metrics of WebSockets: a limited number of series per listener and route. Close codes are in classes, since peers choose them.
import type { ExchangeListener } from '../exchange/exchange-events.ts';
import type { Exchange, WebSocketTunnel } from '../exchange/exchange.ts';
import type { Limits } from '../exchange/limits.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';
import { ByOrigin } from './by-origin.ts';
import type { Counted } from './by-origin.ts';

/** The range of codes with a meaning in RFC 6455 and its registry. */
const FIRST_KNOWN = 1_000;
const LAST_KNOWN = 1_015;

/** The series of one listener and route. */
interface WebSocketSeries {
  active: number;
  opened: number;
  received: number;
  sent: number;
  readonly closed: Map<string, number>;
}

export class WebSocketMetrics implements ExchangeListener {
  readonly #active = new Set<Exchange>();
  readonly #origins: ByOrigin<WebSocketSeries>;

  constructor({ maxMetricRoutes }: Pick<Limits, 'maxMetricRoutes'>) {
    this.#origins = new ByOrigin(maxMetricRoutes, () => ({ active: 0, opened: 0, received: 0, sent: 0, closed: new Map() }));
  }

  webSocketOpened(exchange: Exchange): void {
    this.#active.add(exchange);
    const series = this.#seriesOf(exchange);
    series.active++;
    series.opened++;
  }

  /** Counts the end of a WebSocket; ignores exchanges that did not open one. */
  ended(exchange: Exchange): void {
    const { webSocket } = exchange;
    if (webSocket === null || !this.#active.delete(exchange)) return;
    const series = this.#seriesOf(exchange);
    series.active--;
    addMessages(series, webSocket);
    const code = labelOf(webSocket.close.code);
    series.closed.set(code, (series.closed.get(code) ?? 0) + 1);
  }

  /** The metric families. Labels: see ByOrigin. */
  families(): readonly MetricFamily[] {
    return [
      this.#family('weir_websockets_active', 'gauge', 'Open WebSockets', ({ labels, series }) => [{ labels, value: series.active }]),
      this.#family('weir_websockets_total', 'counter', 'WebSockets opened', ({ labels, series }) => [{ labels, value: series.opened }]),
      this.#family('weir_websockets_closed_total', 'counter', 'WebSockets closed, by close code', ({ labels, series }) =>
        Array.from(series.closed, ([code, value]) => ({ labels: { ...labels, code }, value })),
      ),
      {
        name: 'weir_websocket_messages_total',
        type: 'counter',
        help: 'Messages on WebSockets, from the client (received) and to it (sent)',
        read: () => this.#messages(),
      },
    ];
  }

  /** Adds the messages of open WebSockets, which may stay open for days. */
  #messages(): readonly Sample[] {
    const origins = Array.from(this.#origins, ({ labels, series }) => ({ labels, series, received: series.received, sent: series.sent }));
    const sums = new Map(origins.map((origin) => [origin.series, origin]));
    for (const exchange of this.#active) {
      const sum = sums.get(this.#seriesOf(exchange));
      if (sum !== undefined && exchange.webSocket !== null) addMessages(sum, exchange.webSocket);
    }
    return origins.flatMap(({ labels, received, sent }) => [
      { labels: { ...labels, direction: 'received' }, value: received },
      { labels: { ...labels, direction: 'sent' }, value: sent },
    ]);
  }

  #seriesOf({ listener, route }: Exchange): WebSocketSeries {
    return this.#origins.of(listener, route?.key ?? '');
  }

  #family(
    name: string,
    type: MetricFamily['type'],
    help: string,
    samples: (counted: Counted<WebSocketSeries>) => readonly Sample[],
  ): MetricFamily {
    return { name, type, help, read: () => [...this.#origins].flatMap(samples) };
  }
}

function addMessages(sums: { received: number; sent: number }, { received, sent }: WebSocketTunnel): void {
  sums.received += received;
  sums.sent += sent;
}

/** `1001`, `4xxx` (applications), `3xxx` (libraries), `unknown` if the proxy lost track of the frames, `other`. */
function labelOf(code: number): string {
  if (code === 0) return 'unknown';
  if (code >= FIRST_KNOWN && code <= LAST_KNOWN) return String(code);
  const thousands = Math.floor(code / 1_000);
  return thousands === 3 || thousands === 4 ? `${thousands}xxx` : 'other';
}
