// Metrics of the admin API.
import { Histogram } from '#lib/histogram.ts';
import { single, type MetricFamily } from '#lib/metric.ts';

const DURATION = 'weir_admin_request_duration_seconds';

export class AdminMetrics {
  /** By operation and status; both are from fixed lists. */
  readonly #durations = new Map<string, { readonly operation: string; readonly status: number; readonly histogram: Histogram }>();
  readonly #refused = new Map<string, number>();
  #active = 0;

  began(): void {
    this.#active++;
  }

  /** `operation`: its id, or `none` for paths that no operation has. `ms`: until the answer was sent. */
  ended(operation: string, status: number, ms: number): void {
    this.#active--;
    const key = `${operation} ${status}`;
    let series = this.#durations.get(key);
    if (series === undefined) this.#durations.set(key, (series = { operation, status, histogram: new Histogram() }));
    series.histogram.observe(ms);
  }

  /** A request was refused before its operation ran. `code`: that of the problem. */
  refused(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  get families(): readonly MetricFamily[] {
    return [
      {
        name: DURATION,
        type: 'histogram',
        help: 'Time from the head of a request of the admin API to the end of its answer, by operation and status',
        read: () =>
          [...this.#durations.values()].flatMap(({ operation, status, histogram }) => histogram.samples(DURATION, { operation, status })),
      },
      {
        name: 'weir_admin_refused_total',
        type: 'counter',
        help: 'Requests of the admin API that were refused before their operation ran, by the code of the problem',
        read: () => [...this.#refused].map(([code, value]) => ({ labels: { code }, value })),
      },
      single('weir_admin_requests_active', 'gauge', 'Requests of the admin API under way', () => this.#active),
    ];
  }
}
