// The requests of the last seconds in slices of a tenth of the window: how many, how many failed, how many were slow.

const SLICES = 10;
/** No slice is shorter: a window of 0 would have no slice for a request. */
const MIN_SLICE_MS = 1;

/** Counts of one slice, or of the whole window. */
export interface CallCounts {
  requests: number;
  failures: number;
  slow: number;
}

export class CallWindow {
  readonly #sliceMs: number;
  readonly #slices: CallCounts[] = Array.from({ length: SLICES }, () => ({ requests: 0, failures: 0, slow: 0 }));
  readonly #sum: CallCounts = { requests: 0, failures: 0, slow: 0 };
  /** The number of the current slice since the start of the clock. */
  #current = 0;

  /** `ms`: the length of the window; at least 10. */
  constructor(ms: number) {
    this.#sliceMs = Math.max(MIN_SLICE_MS, ms / SLICES);
  }

  /** Adds a request that ended at `now` (milliseconds). */
  add(now: number, failed: boolean, slow: boolean): void {
    this.#advance(now);
    const slice = this.#slice(this.#current);
    for (const counts of [slice, this.#sum]) {
      counts.requests++;
      if (failed) counts.failures++;
      if (slow) counts.slow++;
    }
  }

  /** The counts of the window that ends at `now`. */
  at(now: number): Readonly<CallCounts> {
    this.#advance(now);
    return this.#sum;
  }

  clear(): void {
    for (const counts of [...this.#slices, this.#sum]) reset(counts);
  }

  #advance(now: number): void {
    const current = Math.floor(now / this.#sliceMs);
    const passed = Math.min(SLICES, current - this.#current);
    for (let i = 1; i <= passed; i++) this.#drop(this.#slice(current - passed + i));
    if (passed > 0) this.#current = current;
  }

  #drop(slice: CallCounts): void {
    this.#sum.requests -= slice.requests;
    this.#sum.failures -= slice.failures;
    this.#sum.slow -= slice.slow;
    reset(slice);
  }

  #slice(number: number): CallCounts {
    return this.#slices[number % SLICES] as CallCounts;
  }
}

function reset(counts: CallCounts): void {
  counts.requests = 0;
  counts.failures = 0;
  counts.slow = 0;
}
