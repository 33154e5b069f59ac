// A histogram of durations: an observation costs a few comparisons and an addition; text is made only for a scrape.
import type { Exemplar, Labels, Sample } from './metric.ts';

/** Upper bounds in milliseconds; the exposition uses seconds. */
const BOUNDS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/** The number of buckets, the last of which has no bound. */
export const DURATION_BUCKETS = BOUNDS.length + 1;

const BOUND_LABELS: readonly string[] = [...BOUNDS.map((bound) => String(bound / 1_000)), '+Inf'];

/** The duration in milliseconds that stands for those of a bucket: the middle of its bounds. */
export function middleOf(bucket: number): number {
  const from = BOUNDS[bucket - 1] ?? 0;
  return (from + (BOUNDS[bucket] ?? from)) / 2;
}

/** The duration in milliseconds below which a share of the durations in `buckets` lies, by linear interpolation; null without any. */
export function quantile(buckets: readonly number[], share: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = share * total;
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    const from = BOUNDS[index - 1] ?? 0;
    const to = BOUNDS[index] ?? from;
    if (count > 0 && below + count >= wanted) return from + ((to - from) * Math.max(0, wanted - below)) / count;
    below += count;
  }
  return BOUNDS.at(-1) ?? null;
}

export class Histogram {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #sum = 0;
  /** By bucket, the newest; null before the first. */
  #exemplars: (Exemplar | undefined)[] | null = null;

  /** Adds a duration in milliseconds. Returns its bucket. Most durations are in the first buckets, so a linear search is fastest. */
  observe(ms: number): number {
    let bucket = 0;
    while (bucket < BOUNDS.length && ms > (BOUNDS[bucket] as number)) bucket++;
    this.add(bucket, ms);
    return bucket;
  }

  /** Adds a duration whose bucket is known. */
  add(bucket: number, ms: number): void {
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += ms;
  }

  /** Keeps a request as an example of those in a bucket, with its duration in milliseconds. */
  exemplify(bucket: number, ms: number, { traceId, spanId }: Pick<Exemplar, 'traceId' | 'spanId'>): void {
    (this.#exemplars ??= [])[bucket] = { traceId, spanId, value: ms / 1_000, time: Date.now() };
  }

  /** The number of durations. */
  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** The number of durations in a bucket. */
  bucket(index: number): number {
    return this.#counts[index] ?? 0;
  }

  /** The sum of the durations, milliseconds. */
  get sum(): number {
    return this.#sum;
  }

  /** Buckets, sum and count of the family `name`, in seconds. */
  samples(name: string, labels: Labels): Sample[] {
    let total = 0;
    const buckets = BOUND_LABELS.map((le, index) => {
      total += this.#counts[index] as number;
      const exemplar = this.#exemplars?.[index];
      const sample = { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
      return exemplar === undefined ? sample : { ...sample, exemplar };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum / 1_000 },
      { metricName: `${name}_count`, labels, value: total },
    ];
  }
}
