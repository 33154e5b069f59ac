import { expect, test } from '@jest/globals';
import { ExpiringMemory } from './expiring-memory.ts';

test('a value is found until its end, and one that has ended is not kept', () => {
  const memory = new ExpiringMemory<string>({ entries: 10, bytes: 10 });
  memory.enter('a', 'x', 0, 5, 1);
  memory.enter('b', 'y', 5, 5, 1);
  expect([memory.find('a', 4), memory.find('a', 5), memory.find('a', 4), memory.find('b', 4), memory.size]).toEqual([
    'x',
    undefined,
    undefined,
    undefined,
    0,
  ]);
});

test('the oldest goes first, by number and by bytes; a value that is entered again is the newest', () => {
  const memory = new ExpiringMemory<string>({ entries: 3, bytes: 10 });
  for (const key of ['a', 'b', 'c', 'a', 'd']) memory.enter(key, key, 0, 5, 1);
  expect(['a', 'b', 'c', 'd'].map((key) => memory.find(key, 0))).toEqual(['a', undefined, 'c', 'd']);
  memory.enter('e', 'e', 0, 5, 9);
  expect(['a', 'c', 'd', 'e'].map((key) => memory.find(key, 0))).toEqual([undefined, undefined, 'd', 'e']);
  memory.enter('e', 'f', 0, 5, 2);
  memory.enter('g', 'g', 0, 5, 7);
  expect([memory.find('e', 0), memory.find('g', 0), memory.size]).toEqual(['f', 'g', 3]);
});
