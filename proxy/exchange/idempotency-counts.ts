// Counts what comes of requests with idempotency keys.
import type { MetricFamily } from '#lib/metric.ts';

/**
 * `first`: it goes to the backend. `replayed`: it gets the stored answer. `in_use`, `reused`, `missing`, `malformed`: it is refused. `lost`: its
 * answer is not kept. `unavailable`: the store does not answer.
 */
export type IdempotencyOutcome = 'first' | 'replayed' | 'in_use' | 'reused' | 'missing' | 'malformed' | 'lost' | 'unavailable';

export class IdempotencyCounts {
  readonly counts: Record<IdempotencyOutcome, number> = {
    ...{ first: 0, replayed: 0, in_use: 0, reused: 0 },
    ...{ missing: 0, malformed: 0, lost: 0, unavailable: 0 },
  };

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_idempotency_requests_total',
        type: 'counter',
        help: 'Requests of routes with idempotency keys, by what came of them',
        read: () => Object.entries(this.counts).map(([outcome, value]) => ({ labels: { outcome }, value })),
      },
    ];
  }
}
