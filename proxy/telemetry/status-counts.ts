// Counts answers by status: one comparison and one addition for the most frequent status.
import type { Labels, Sample } from '#lib/metric.ts';

/** The number of statuses with a separate series; further statuses count by class. Backends can send 900 different ones. */
const MAX_STATUSES = 16;

interface Cell {
  readonly status: number;
  count: number;
}

export class StatusCounts {
  readonly #cells: Cell[] = [];
  readonly #others = new Float64Array(10);
  /** The last counted status. */
  #latest: Cell = { status: 0, count: 0 };

  count(status: number): void {
    if (status === this.#latest.status) this.#latest.count++;
    else this.#countOther(status);
  }

  /** `status` is the code, or `5xx` for further codes; both match `5..`. */
  samples(labels: Labels): Sample[] {
    const samples = this.#cells.map(({ status, count }) => sampleOf(labels, String(status), classOf(status), count));
    this.#others.forEach((count, index) => {
      if (count > 0) samples.push(sampleOf(labels, `${index}xx`, index, count));
    });
    return samples;
  }

  /** Answers by class, 1xx to 5xx. */
  classes(): readonly number[] {
    const sums = Array.from(this.#others.subarray(1, 6));
    for (const { status, count } of this.#cells) {
      const index = classOf(status) - 1;
      if (index >= 0 && index < sums.length) sums[index] = (sums[index] as number) + count;
    }
    return sums;
  }

  #countOther(status: number): void {
    const known = this.#cells.find((cell) => cell.status === status);
    if (known === undefined && this.#cells.length >= MAX_STATUSES) {
      const index = classOf(status);
      this.#others[index] = (this.#others[index] as number) + 1;
      return;
    }
    this.#latest = known ?? { status, count: 0 };
    if (known === undefined) this.#cells.push(this.#latest);
    this.#latest.count++;
  }
}

function classOf(status: number): number {
  return Math.min(9, Math.floor(status / 100));
}

function sampleOf(labels: Labels, status: string, index: number, value: number): Sample {
  return { labels: { ...labels, status, status_class: `${index}xx` }, value };
}
