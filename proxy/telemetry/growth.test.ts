import { describe, expect, test } from '@jest/globals';
import { Growth, Turns } from './growth.ts';

describe('growth', () => {
  test('is what a series has grown since it was last read', () => {
    const growth = new Growth();
    const series = {};
    expect(growth.of(series, [['a', 0]])).toBeNull();
    expect(growth.of(series, [['a', 2], ['b', 1]])).toEqual(new Map([['a', 2], ['b', 1]])); // prettier-ignore
    expect(growth.of(series, [['a', 2], ['b', 4]])).toEqual(new Map([['b', 3]])); // prettier-ignore
    expect(growth.of({}, [['a', 2]])).toEqual(new Map([['a', 2]]));
  });
});

describe('turns', () => {
  test('begin where the last reading had no more room', () => {
    const turns = new Turns(() => [1, 2, 3, 4, 5]);
    const read = (room: number): number[] => {
      const taken: number[] = [];
      turns.read(room, (item) => taken.push(item) > 0);
      return taken;
    };
    expect(read(2)).toEqual([1, 2]);
    expect(read(2)).toEqual([3, 4]);
    expect(read(2)).toEqual([5, 1]);
  });

  test('end when nothing has changed', () => {
    const turns = new Turns(() => [1, 2, 3]);
    let visits = 0;
    turns.read(1, () => ++visits === 3);
    turns.read(1, () => ++visits < 0);
    expect(visits).toBe(6);
  });
});
