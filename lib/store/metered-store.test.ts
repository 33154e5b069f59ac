// The counts of a store for metrics.
import { expect, test } from '@jest/globals';
import { err, ok, type Result } from '#lib/result.ts';
import { MeteredStore } from './metered-store.ts';
import { OffStore } from './off-store.ts';
import type { Store, Work } from './store.ts';

/** A store that answers as the test says. */
class GivenStore implements Store {
  readonly name = 'given';
  readonly bytes = 4_096;
  next: Result<unknown> | Error = ok(1);

  read<T>(): Promise<Result<T>> {
    return this.next instanceof Error ? Promise.reject(this.next) : Promise.resolve(this.next as Result<T>);
  }

  write<T>(work: Work<T>): Promise<Result<T>> {
    void work;
    return this.read();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The values by name and labels; without buckets. */
function valuesOf(store: MeteredStore): Readonly<Record<string, number>> {
  const samples = store.families().flatMap(({ name, read }) => read().map((sample) => ({ name, ...sample })));
  const plain = samples.filter(({ labels, metricName = '' }) => !('le' in labels) && !metricName.endsWith('_sum'));
  return Object.fromEntries(
    plain.map(({ name, metricName = name, labels, value }) => [[metricName, ...Object.values(labels)].join(' '), value]),
  );
}

test('transactions count by result, and the last one decides whether the store fails', async () => {
  const given = new GivenStore();
  const store = new MeteredStore(given);
  expect(valuesOf(store)).toMatchObject({ 'weir_store_operations_total write failed': 0, weir_store_failing: 0, weir_store_bytes: 4_096 });
  await store.read(() => Promise.resolve(1));
  given.next = err('is away');
  expect(await store.write(() => Promise.resolve(1))).toEqual(err('is away'));
  expect(valuesOf(store)).toEqual({
    'weir_store_operations_total read done': 1,
    'weir_store_operations_total read failed': 0,
    'weir_store_operations_total write done': 0,
    'weir_store_operations_total write failed': 1,
    'weir_store_operation_seconds_count read': 1,
    'weir_store_operation_seconds_count write': 1,
    weir_store_failing: 1,
    weir_store_bytes: 4_096,
  });
  given.next = ok(2);
  await store.write(() => Promise.resolve(1));
  expect(valuesOf(store)['weir_store_failing']).toBe(0);
});

test('a bug counts as a failure and goes on', async () => {
  const given = new GivenStore();
  given.next = new Error('bug');
  const store = new MeteredStore(given);
  await expect(store.read(() => Promise.resolve(1))).rejects.toThrow('bug');
  expect(valuesOf(store)).toMatchObject({ 'weir_store_operations_total read failed': 1, weir_store_failing: 1 });
});

test('no store has no series', async () => {
  const store = new MeteredStore(new OffStore());
  await store.read(() => Promise.resolve(1));
  expect(valuesOf(store)).toEqual({});
});
