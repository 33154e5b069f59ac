import { describe, expect, test } from '@jest/globals';
import type { Change } from '../watch/event.ts';
import { Batcher } from './batcher.ts';
import type { Clock } from './batcher.ts';

/** A clock that the test advances. */
class FakeClock implements Clock {
  #now = 0;
  #timers = new Map<number, { at: number; callback: () => void }>();
  #ids = 0;

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): unknown {
    this.#timers.set(++this.#ids, { at: this.#now + ms, callback });
    return this.#ids;
  }

  clearTimeout(id: unknown): void {
    this.#timers.delete(id as number);
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [due] = [...this.#timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].callback();
    }
    this.#now = until;
  }
}

function upsert(name: string, generation = 1): Change {
  return { type: 'upsert', object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, generation } } };
}

function remove(name: string): Change {
  return { type: 'delete', ref: { kind: 'Namespace', namespace: '', name } };
}

function print(change: Change): string {
  return change.type === 'upsert' ? `${change.object.metadata.name}@${change.object.metadata.generation}` : `-${change.ref.name}`;
}

function setup() {
  const clock = new FakeClock();
  const batches: string[][] = [];
  const delivery: { until: Promise<void> | null } = { until: null };
  const batcher = new Batcher({ quiet: 10, maximum: 100, clock }, (changes) => {
    batches.push(changes.map(print));
    return delivery.until;
  });
  return { clock, batches, batcher, delivery };
}

/** Resolves once the batcher has seen the end of a delivery. */
function delivered(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the first batch', () => {
  test('waits until all sources are synced, without a time limit, then goes out at once', () => {
    const { clock, batches, batcher } = setup();
    batcher.add([upsert('a')]);
    clock.advance(10_000);
    expect(batches).toEqual([]);
    batcher.add([upsert('b')]);
    void batcher.synced();
    expect(batches).toEqual([['a@1', 'b@1']]);
  });

  test('is delivered even if it is empty, and only once', () => {
    const { batches, batcher } = setup();
    void batcher.synced();
    void batcher.synced();
    expect(batches).toEqual([[]]);
  });
});

describe('a batch', () => {
  test('goes out after the quiet period', () => {
    const { clock, batches, batcher } = setup();
    void batcher.synced();
    batcher.add([upsert('a')]);
    clock.advance(9);
    batcher.add([upsert('b')]);
    clock.advance(9);
    expect(batches).toHaveLength(1);
    clock.advance(1);
    expect(batches[1]).toEqual(['a@1', 'b@1']);
  });

  test('goes out at its maximum age if changes never pause', () => {
    const { clock, batches, batcher } = setup();
    void batcher.synced();
    for (let i = 0; i < 20; i++) {
      batcher.add([upsert(`n${i}`)]);
      clock.advance(9);
    }
    expect(batches[1]).toHaveLength(12);
  });

  test('holds the latest form of each object, in the order of their first change', () => {
    const { clock, batches, batcher } = setup();
    void batcher.synced();
    batcher.add([upsert('a', 1), upsert('b', 1)]);
    batcher.add([remove('b'), upsert('a', 2)]);
    clock.advance(10);
    expect(batches[1]).toEqual(['a@2', '-b']);
  });

  test('waits until the one before it is delivered', async () => {
    const { clock, batches, batcher, delivery } = setup();
    void batcher.synced();
    const { promise, resolve } = Promise.withResolvers<void>();
    delivery.until = promise;
    batcher.add([upsert('a')]);
    clock.advance(10);
    batcher.add([upsert('b'), upsert('c')]);
    clock.advance(1_000);
    expect(batches).toEqual([[], ['a@1']]);
    resolve();
    await delivered();
    clock.advance(0);
    expect(batches).toEqual([[], ['a@1'], ['b@1', 'c@1']]);
  });

  test('under way can take changes that arrived since', async () => {
    const { clock, batches, batcher, delivery } = setup();
    void batcher.synced();
    const { promise, resolve } = Promise.withResolvers<void>();
    delivery.until = promise;
    batcher.add([upsert('a')]);
    clock.advance(10);
    const secret: Change = { type: 'delete', ref: { kind: 'Secret', namespace: 'ns', name: 's' } };
    batcher.add([upsert('b'), secret]);
    expect(batcher.take(new Set(['Secret']))).toEqual([secret]);
    expect(batcher.take(new Set(['Secret']))).toEqual([]);
    resolve();
    await delivered();
    clock.advance(10);
    expect(batches.at(-1)).toEqual(['b@1']);
  });

  test('is not sent after stop', () => {
    const { clock, batches, batcher } = setup();
    void batcher.synced();
    batcher.add([upsert('a')]);
    batcher.stop();
    batcher.add([upsert('b')]);
    clock.advance(1_000);
    expect(batches).toEqual([[]]);
  });
});
