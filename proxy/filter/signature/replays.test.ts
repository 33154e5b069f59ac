import { expect, test } from '@jest/globals';
import { Replays } from './replays.ts';

test('remembers a signature at least as long as it may be valid, and not for ever', () => {
  let now = 0;
  const replays = new Replays(100, () => now);
  for (let at = 0; at < 500; at += 7) {
    now = at;
    expect(replays.enter(`a${at}`)).toBe('new');
    for (let old = at; old >= Math.max(0, at - 98); old -= 7) expect(replays.enter(`a${old}`)).toBe('seen');
  }
  now = 10_000;
  expect(replays.enter('a0')).toBe('new');
});

test('accepts nothing that it cannot remember', () => {
  let now = 0;
  const replays = new Replays(100, () => now, 2);
  expect(['a', 'b', 'c', 'a'].map((identity) => replays.enter(identity))).toEqual(['new', 'new', 'full', 'seen']);
  now = 200;
  expect(replays.enter('c')).toBe('new');
});
