// Metrics of requests with a bounded number of series: one set per route, counted in plain fields and rendered at the scrape.
import type { Exchange } from '../exchange/exchange.ts';
import { Histogram } from './histogram.ts';

/** Routes with series of their own; those beyond share one. */
const MAX_ROUTES = 10_000;
/** Series of a route that saw no request for so many scrapes are dropped: the route is gone, or as good as gone. */
const MAX_IDLE_SCRAPES = 120;

/** What is counted per route. */
class RouteSeries {
  /** Requests by class of status: index 1 to 5. */
  readonly byClass = new Float64Array(6);
  readonly duration = new Histogram();
  requestBytes = 0;
  responseBytes = 0;
  retries = 0;
  idleScrapes = 0;
}

export class RequestMetrics {
  #active = 0;
  readonly #routes = new Map<string, RouteSeries>();
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
    const series = this.#series(exchange.route === null ? '' : exchange.route.routeName);
    const statusClass = Math.min(5, Math.floor(exchange.status / 100));
    series.byClass[statusClass] = (series.byClass[statusClass] as number) + 1;
    series.duration.observe(ms);
    series.requestBytes += exchange.requestBytes;
    series.responseBytes += exchange.responseBytes;
    if (exchange.attempts > 1) series.retries += exchange.attempts - 1;
    series.idleScrapes = 0;
    if (exchange.error !== null) this.#errors.set(exchange.error.code, (this.#errors.get(exchange.error.code) ?? 0) + 1);
  }

  /** The Prometheus text format (version 0.0.4). */
  render(): string {
    this.#forgetIdle();
    const sections = [header('weir_requests_active', 'gauge', 'Requests in flight'), `weir_requests_active ${this.#active}\n`];
    sections.push(header('weir_requests_total', 'counter', 'Requests answered, by route and class of status'));
    for (const [route, series] of this.#routes) sections.push(renderClasses(route, series));
    sections.push(header('weir_request_duration_seconds', 'histogram', 'Time from the first byte of a request to the end of its answer'));
    for (const [route, series] of this.#routes) sections.push(series.duration.render('weir_request_duration_seconds', label(route)));
    sections.push(this.#renderSums('weir_request_bytes_total', 'Bytes of request bodies', (series) => series.requestBytes));
    sections.push(this.#renderSums('weir_response_bytes_total', 'Bytes of answer bodies', (series) => series.responseBytes));
    sections.push(this.#renderSums('weir_request_retries_total', 'Attempts after the first', (series) => series.retries));
    sections.push(header('weir_errors_total', 'counter', 'Failed exchanges and answers of the proxy itself, by code'));
    for (const [code, count] of this.#errors) sections.push(`weir_errors_total{code="${code}"} ${count}\n`);
    return sections.join('');
  }

  #series(route: string): RouteSeries {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    const name = this.#routes.size < MAX_ROUTES ? route : 'other';
    const series = this.#routes.get(name) ?? new RouteSeries();
    this.#routes.set(name, series);
    return series;
  }

  #forgetIdle(): void {
    for (const [route, series] of this.#routes) {
      if (++series.idleScrapes > MAX_IDLE_SCRAPES) this.#routes.delete(route);
    }
  }

  #renderSums(name: string, help: string, pick: (series: RouteSeries) => number): string {
    let text = header(name, 'counter', help);
    for (const [route, series] of this.#routes) text += `${name}{${label(route)}} ${pick(series)}\n`;
    return text;
  }
}

function renderClasses(route: string, series: RouteSeries): string {
  let text = '';
  for (let i = 1; i < series.byClass.length; i++) {
    if (series.byClass[i] !== 0) text += `weir_requests_total{${label(route)},status_class="${i}xx"} ${series.byClass[i]}\n`;
  }
  return text;
}

/** Route names are Kubernetes names: nothing in them needs escaping. `none`: no route matched. */
function label(route: string): string {
  return `route="${route === '' ? 'none' : route}"`;
}

function header(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}
