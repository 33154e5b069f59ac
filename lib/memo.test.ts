import { expect, test } from '@jest/globals';
import { Memo } from './memo.ts';

test('keeps what was found for a text', () => {
  const memo = new Memo<number>({ entries: 2, characters: 100 });
  memo.set('a', 1);
  expect([memo.get('a'), memo.get('b')]).toEqual([1, undefined]);
  memo.set('a', 2);
  expect(memo.get('a')).toBe(2);
  memo.delete('a');
  expect(memo.get('a')).toBeUndefined();
});

test('forgets texts that are not met any more, and keeps those that are', () => {
  const memo = new Memo<number>({ entries: 10, characters: 1_000 });
  memo.set('used', 0);
  for (let i = 0; i < 1_000; i++) {
    memo.set(`other ${i}`, i);
    expect(memo.get('used')).toBe(0);
    expect(memo.size).toBeLessThanOrEqual(20);
  }
  expect(memo.get('other 0')).toBeUndefined();
});

test('is bounded by characters too', () => {
  const memo = new Memo<number>({ entries: 1_000, characters: 10_000 });
  for (let i = 0; i < 100; i++) memo.set(`${i} ${'x'.repeat(4_000)}`, i);
  expect(memo.size).toBeLessThanOrEqual(4);
  memo.set('x'.repeat(20_000), 1);
  expect(memo.get('x'.repeat(20_000))).toBe(1);
});

test('forgets everything', () => {
  const memo = new Memo<number>({ entries: 1, characters: 100 });
  memo.set('a', 1);
  memo.set('b', 2);
  memo.clear();
  expect([memo.get('a'), memo.get('b'), memo.size]).toEqual([undefined, undefined, 0]);
});

test('a text deleted after it moved to the newer generation is gone', () => {
  const memo = new Memo<number>({ entries: 1, characters: 100 });
  memo.set('a', 1);
  memo.set('b', 2);
  expect(memo.get('a')).toBe(1);
  memo.delete('a');
  expect(memo.get('a')).toBeUndefined();
});
