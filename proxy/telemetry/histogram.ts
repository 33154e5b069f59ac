// A histogram of durations: a few comparisons and an addition per observation, rendered when somebody asks.

/** Upper bounds in milliseconds; the exposition has seconds. */
const BOUNDS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

export class Histogram {
  readonly #counts = new Float64Array(BOUNDS.length + 1);
  #sum = 0;

  /** Counts a duration in milliseconds. Most requests fall into the first buckets, so a linear search is the quickest. */
  observe(ms: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && ms > (BOUNDS[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += ms;
  }

  /** Lines of the Prometheus text format. `labels` without braces. */
  render(name: string, labels: string): string {
    let lines = '';
    let total = 0;
    for (let i = 0; i <= BOUNDS.length; i++) {
      total += this.#counts[i] as number;
      const bound = i < BOUNDS.length ? String((BOUNDS[i] as number) / 1_000) : '+Inf';
      lines += `${name}_bucket{${labels},le="${bound}"} ${total}\n`;
    }
    return `${lines}${name}_sum{${labels}} ${this.#sum / 1_000}\n${name}_count{${labels}} ${total}\n`;
  }
}
