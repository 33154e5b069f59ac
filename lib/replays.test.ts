import { expect, test } from '@jest/globals';
import { Replays } from './replays.ts';

test('remembers an entry at least as long as it may be valid, and not for ever', () => {
  let now = 0;
  const replays = new Replays(() => now);
  for (let at = 0; at < 500; at += 7) {
    now = at;
    expect(replays.enter(`a${at}`, 100)).toBe('new');
    for (let old = at; old >= Math.max(0, at - 98); old -= 7) expect(replays.enter(`a${old}`, 100)).toBe('seen');
  }
  now = 10_000;
  expect(replays.enter('a0', 100)).toBe('new');
  expect(replays.size).toBe(1);
});

test('accepts nothing that it cannot remember', () => {
  let now = 0;
  const replays = new Replays(() => now, 2);
  expect(['a', 'b', 'c', 'a'].map((digest) => replays.enter(digest, 100))).toEqual(['new', 'new', 'full', 'seen']);
  now = 200;
  expect(replays.enter('c', 100)).toBe('new');
});

test('an entry is known whatever the time of validity is later', () => {
  let now = 0;
  const replays = new Replays(() => now);
  expect(replays.enter('long', 1_000)).toBe('new');
  expect(replays.enter('short', 10)).toBe('new');
  now = 900;
  expect([replays.enter('long', 10), replays.enter('short', 1_000)]).toEqual(['seen', 'new']);
});
