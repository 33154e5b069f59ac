// Quantiles of times, from counts in buckets whose bounds grow by a constant factor: the error is at most 2.5 %, whatever the times are. Two
// sketches add up to one of the times of both.

/** A bound of a bucket divided by the one before. */
const GROWTH = 1.05;
const LOG_GROWTH = Math.log(GROWTH);
/** The bound of the first bucket, milliseconds. */
const LEAST_MS = 0.1;
/** The last bucket begins at about an hour. */
const BUCKETS = 360;

export class TimeSketch {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  /** The number of times. */
  get total(): number {
    return this.#total;
  }

  add(ms: number): void {
    const index = ms <= LEAST_MS ? 0 : Math.ceil(Math.log(ms / LEAST_MS) / LOG_GROWTH);
    const bucket = Math.min(index, BUCKETS - 1);
    this.#counts[bucket] = this.#at(bucket) + 1;
    this.#total++;
  }

  /** Adds the times of another sketch. */
  merge(other: TimeSketch): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#counts[bucket] = this.#at(bucket) + other.#at(bucket);
    this.#total += other.#total;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The time that this share of the times does not exceed, 0 to 1, in milliseconds; 0 without times. */
  quantile(share: number): number {
    if (this.#total === 0) return 0;
    const rank = Math.max(1, Math.ceil(share * this.#total));
    let bucket = 0;
    for (let seen = this.#at(0); seen < rank && bucket < BUCKETS - 1; seen += this.#at(bucket)) bucket++;
    // The middle of the bucket, by its relative error.
    return (2 * LEAST_MS * GROWTH ** bucket) / (1 + GROWTH);
  }

  #at(bucket: number): number {
    return this.#counts[bucket] as number;
  }
}
