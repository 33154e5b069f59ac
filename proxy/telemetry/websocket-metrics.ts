// Metrics of WebSockets, with a bounded number of series: one set per route, and close codes in classes, since peers choose them.
import type { Exchange, WebSocketTunnel } from '../exchange/exchange.ts';
import { ByRoute } from './by-route.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';

/** The codes that RFC 6455 and its registry give a meaning to. */
const FIRST_KNOWN = 1_000;
const LAST_KNOWN = 1_015;

/** What is counted per route. */
interface RouteSeries {
  active: number;
  opened: number;
  received: number;
  sent: number;
  readonly closed: Map<string, number>;
}

export class WebSocketMetrics {
  readonly #active = new Set<Exchange>();
  readonly #routes = new ByRoute<RouteSeries>(() => ({ active: 0, opened: 0, received: 0, sent: 0, closed: new Map() }));

  opened(exchange: Exchange): void {
    this.#active.add(exchange);
    const series = this.#routes.of(routeOf(exchange));
    series.active++;
    series.opened++;
  }

  /** Its exchange is over; one that was never opened counts for nothing. */
  closed(exchange: Exchange): void {
    const { webSocket } = exchange;
    if (webSocket === null || !this.#active.delete(exchange)) return;
    const series = this.#routes.of(routeOf(exchange));
    series.active--;
    addMessages(series, webSocket);
    const code = labelOf(webSocket.close.code);
    series.closed.set(code, (series.closed.get(code) ?? 0) + 1);
  }

  /** What to expose. Label `route`: `<namespace>/<name>`, `other` beyond the bound. */
  families(): readonly MetricFamily[] {
    return [
      this.#family('weir_websockets_active', 'gauge', 'WebSockets that are open', (route, { active }) => [
        { labels: { route }, value: active },
      ]),
      this.#family('weir_websockets_total', 'counter', 'WebSockets opened', (route, { opened }) => [{ labels: { route }, value: opened }]),
      this.#family('weir_websockets_closed_total', 'counter', 'WebSockets closed, by close code', (route, { closed }) =>
        Array.from(closed, ([code, value]) => ({ labels: { route, code }, value })),
      ),
      {
        name: 'weir_websocket_messages_total',
        type: 'counter',
        help: 'Messages on WebSockets, from the client (received) and to it (sent)',
        read: () => this.#messages(),
      },
    ];
  }

  /** Open ones live for days: what they have carried so far counts. */
  #messages(): readonly Sample[] {
    const sums = new Map(Array.from(this.#routes, ([route, { received, sent }]) => [route, { received, sent }]));
    for (const exchange of this.#active) {
      const sum = sums.get(this.#routes.nameOf(routeOf(exchange)));
      if (sum !== undefined && exchange.webSocket !== null) addMessages(sum, exchange.webSocket);
    }
    return [...sums].flatMap(([route, { received, sent }]) => [
      { labels: { route, direction: 'received' }, value: received },
      { labels: { route, direction: 'sent' }, value: sent },
    ]);
  }

  #family(
    name: string,
    type: MetricFamily['type'],
    help: string,
    samples: (route: string, series: RouteSeries) => readonly Sample[],
  ): MetricFamily {
    return { name, type, help, read: () => [...this.#routes].flatMap(([route, series]) => samples(route, series)) };
  }
}

function routeOf({ route }: Exchange): string {
  return route?.routeName ?? 'none';
}

function addMessages(sums: { received: number; sent: number }, { received, sent }: WebSocketTunnel): void {
  sums.received += received;
  sums.sent += sent;
}

/** `1001`, `4xxx` (applications), `3xxx` (libraries), `unknown` where frames could not be followed, `other`. */
function labelOf(code: number): string {
  if (code === 0) return 'unknown';
  if (code >= FIRST_KNOWN && code <= LAST_KNOWN) return String(code);
  const thousands = Math.floor(code / 1_000);
  return thousands === 3 || thousands === 4 ? `${thousands}xxx` : 'other';
}
