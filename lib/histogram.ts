// A histogram of durations: an observation costs a few comparisons and an addition; text is made only for a scrape.
import type { Labels, Sample } from './metric.ts';

/** Upper bounds in milliseconds; the exposition uses seconds. */
const BOUNDS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];
const BOUND_LABELS: readonly string[] = [...BOUNDS.map((bound) => String(bound / 1_000)), '+Inf'];

export class Histogram {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #sum = 0;

  /** Adds a duration in milliseconds. Most durations are in the first buckets, so a linear search is fastest. */
  observe(ms: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && ms > (BOUNDS[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += ms;
  }

  /** The number of durations. */
  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** Buckets, sum and count of the family `name`, in seconds. */
  samples(name: string, labels: Labels): Sample[] {
    let total = 0;
    const buckets = BOUND_LABELS.map((le, index) => {
      total += this.#counts[index] as number;
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum / 1_000 },
      { metricName: `${name}_count`, labels, value: total },
    ];
  }
}
