// Counts what a store is asked and how long it takes, for metrics.
import { Histogram } from '#lib/histogram.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';
import type { Result } from '#lib/result.ts';
import type { Store, Work } from './store.ts';

const OPERATIONS = ['read', 'write'] as const;
type Operation = (typeof OPERATIONS)[number];
const SECONDS = 'weir_store_operation_seconds';

/** The transactions of one kind. */
class Counts {
  done = 0;
  failed = 0;
  readonly time = new Histogram();
}

export class MeteredStore implements Store {
  readonly #store: Store;
  readonly #counts: Readonly<Record<Operation, Counts>> = { read: new Counts(), write: new Counts() };
  /** The last transaction failed. */
  #isFailing = false;

  constructor(store: Store) {
    this.#store = store;
  }

  get name(): string {
    return this.#store.name;
  }

  get bytes(): number | null {
    return this.#store.bytes;
  }

  read<T>(work: Work<T>): Promise<Result<T>> {
    return this.#count('read', () => this.#store.read(work));
  }

  write<T>(work: Work<T>): Promise<Result<T>> {
    return this.#count('write', () => this.#store.write(work));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Read at each scrape; no series without a store. */
  families(): readonly MetricFamily[] {
    const samples = (read: () => readonly Sample[]) => (): readonly Sample[] => (this.name === 'off' ? [] : read());
    return [
      {
        name: 'weir_store_operations_total',
        type: 'counter',
        help: 'Transactions of the store, by result',
        read: samples(() => OPERATIONS.flatMap((operation) => this.#results(operation))),
      },
      {
        name: SECONDS,
        type: 'histogram',
        help: 'Time of transactions of the store, waits included',
        read: samples(() => OPERATIONS.flatMap((operation) => this.#counts[operation].time.samples(SECONDS, { operation }))),
      },
      {
        name: 'weir_store_failing',
        type: 'gauge',
        help: '1 if the last transaction of the store failed',
        read: samples(() => [{ labels: {}, value: Number(this.#isFailing) }]),
      },
      {
        name: 'weir_store_bytes',
        type: 'gauge',
        help: 'Size of the file of the store',
        read: samples(() => (this.bytes === null ? [] : [{ labels: {}, value: this.bytes }])),
      },
    ];
  }

  #results(operation: Operation): readonly Sample[] {
    const { done, failed } = this.#counts[operation];
    return [
      { labels: { operation, result: 'done' }, value: done },
      { labels: { operation, result: 'failed' }, value: failed },
    ];
  }

  async #count<T>(operation: Operation, transact: () => Promise<Result<T>>): Promise<Result<T>> {
    const counts = this.#counts[operation];
    const begun = performance.now();
    let isDone = false;
    try {
      const result = await transact();
      isDone = result.ok;
      return result;
    } finally {
      counts.time.observe(performance.now() - begun);
      if (isDone) counts.done++;
      else counts.failed++;
      this.#isFailing = !isDone;
    }
  }
}
