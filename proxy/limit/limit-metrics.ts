// What this worker counts at limits, for metrics.
import { evictionFamily } from '#lib/limit/metrics.ts';
import type { LimitCounts } from '#lib/limit/metrics.ts';
import type { LendingStore } from '#lib/limit/store.ts';
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';

/** Limits with counts of their own; further ones count together. */
const MAX_LIMITS = 2_000;
const OTHER = 'other';

export class LimitCounters {
  readonly #byLimit = new Map<string, LimitCounts>();

  /** The counts of a limit by `<namespace>/<policy>/<limit>`. */
  of(limit: string): LimitCounts {
    const known = this.#byLimit.get(limit);
    if (known !== undefined) return known;
    if (this.#byLimit.size >= MAX_LIMITS && limit !== OTHER) return this.of(OTHER);
    const counts = { passed: 0, refused: 0, shadow: 0, unavailable: 0 };
    this.#byLimit.set(limit, counts);
    return counts;
  }

  entries(): Iterable<readonly [string, LimitCounts]> {
    return this.#byLimit;
  }
}

export interface LimitSources {
  readonly counts: LimitCounters;
  readonly evictions: Readonly<Record<LendingStore, number>>;
  /** Questions to Redis without an answer. */
  readonly redisFailures: number;
}

export function limitFamilies(sources: LimitSources): readonly MetricFamily[] {
  return [
    {
      name: 'weir_limit_requests_total',
      type: 'counter',
      help: 'Requests at limits, by limit and outcome',
      read: () =>
        [...sources.counts.entries()].flatMap(([limit, each]) =>
          Object.entries(each).map(([outcome, value]: [string, number]) => ({ labels: { limit, outcome }, value })),
        ),
    },
    evictionFamily(() => sources.evictions),
    single(
      'weir_limit_redis_failures_total',
      'counter',
      'Requests and answers that Redis did not count, because it did not answer in time',
      () => sources.redisFailures,
    ),
  ];
}
