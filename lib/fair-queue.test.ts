// A queue by rank and caller.
import { describe, expect, test } from '@jest/globals';
import { FairQueue } from './fair-queue.ts';

interface Item {
  readonly name: string;
}

/** A queue with items written as `rank caller name`, and each item by its name. */
function queueOf(...texts: readonly string[]): { readonly queue: FairQueue<Item>; readonly item: (name: string) => Item } {
  const queue = new FairQueue<Item>(3);
  const items = new Map<string, Item>();
  for (const text of texts) {
    const [rank, caller = '', name = ''] = text.split(' ');
    const item = { name };
    items.set(name, item);
    queue.push(item, Number(rank), caller);
  }
  return { queue, item: (name) => items.get(name) as Item };
}

/** The names in the order in which the queue serves them. */
function served(queue: FairQueue<Item>): string {
  const names: string[] = [];
  while (queue.length > 0) {
    const { first } = queue;
    const item = queue.shift() as Item;
    expect(item).toBe(first);
    names.push(item.name);
  }
  expect([queue.first, queue.shift(), queue.length]).toEqual([undefined, undefined, 0]);
  return names.join(' ');
}

test('the items of one caller keep their order', () => {
  expect(served(queueOf('1 a 1', '1 a 2', '1 a 3').queue)).toBe('1 2 3');
});

test('a lower rank comes first', () => {
  expect(served(queueOf('2 a 1', '1 a 2', '0 a 3', '1 b 4', '0 a 5').queue)).toBe('3 5 2 4 1');
});

test('callers take turns, and a newcomer has the last turn of the round', () => {
  expect(served(queueOf('1 a 1', '1 a 2', '1 a 3', '1 b 4', '1 c 5', '1 c 6').queue)).toBe('1 4 5 2 6 3');
});

test('a removed item is not served, and others keep their turns', () => {
  const { queue, item } = queueOf('1 a 1', '1 a 2', '1 b 3', '1 a 4');
  expect([queue.remove(item('2')), queue.remove(item('3')), queue.remove(item('3'))]).toEqual([true, true, false]);
  expect(queue.length).toBe(2);
  expect([...queue].map(({ name }) => name)).toEqual(['1', '4']);
  expect(served(queue)).toBe('1 4');
});

describe('a full queue', () => {
  const cases: readonly [string, readonly string[], number, string, string | undefined][] = [
    ['gives up the newest of the last rank', ['1 a 1', '2 a 2', '2 a 3'], 1, 'b', '3'],
    ['gives up that of the caller with the most items', ['2 a 1', '2 b 2', '2 b 3', '2 a 4', '2 b 5'], 0, 'c', '5'],
    ['keeps items of a better rank', ['0 a 1', '0 a 2', '0 a 3'], 1, 'b', undefined],
    ['prefers a caller with few items', ['1 a 1', '1 a 2', '1 b 3'], 1, 'b', undefined],
    ['prefers a caller with fewer items', ['1 a 1', '1 a 2', '1 a 3', '1 b 4'], 1, 'b', '3'],
    ['refuses the caller with the most items', ['1 a 1', '1 a 2', '1 b 3'], 1, 'a', undefined],
    ['of one item per caller refuses the next', ['1 a 1', '1 b 2'], 1, 'c', undefined],
    ['of no place refuses all', [], 1, 'a', undefined],
  ];

  test.each(cases)('%s', (_, texts, rank, caller, expected) => {
    const { queue } = queueOf(...texts);
    expect(queue.displace(rank, caller)?.name).toBe(expected);
    expect(queue.length).toBe(texts.length - (expected === undefined ? 0 : 1));
    expect(served(queue).split(' ')).not.toContain(expected);
  });
});
