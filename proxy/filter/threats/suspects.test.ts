import { expect, test } from '@jest/globals';
import type { Broadcast, BlockNotice } from '../../exchange/notices.ts';
import { BlockedSources } from './blocked-sources.ts';
import type { BlockTerms } from './blocked-sources.ts';
import { Suspects } from './suspects.ts';

const MANY = { authenticationFailures: 3, userNames: 1_000, accessDenials: 3, missingPaths: 1_000, malformedRequests: 3, limited: 3 };

test('a threshold counts within a window, and is reached once in it', () => {
  const suspects = new Suspects(1_000, MANY);
  const notes = [0, 999, 1_000, 1_001, 1_002, 1_003].map((now) => suspects.note('a', 'limited', '', now));
  expect(notes).toEqual([0, 0, 0, 0, 100, 0]);
});

test('the score has all signs of a source, in percent of their thresholds', () => {
  const suspects = new Suspects(1_000, MANY);
  suspects.note('a', 'authenticationFailures', '', 0);
  suspects.note('b', 'limited', '', 0);
  for (let i = 0; i < 2; i++) expect(suspects.note('a', 'limited', '', 0)).toBe(0);
  expect(suspects.note('a', 'limited', '', 0)).toBe(133);
});

test('a flood of sources and paths keeps the memory bounded', () => {
  const suspects = new Suspects(60_000, MANY);
  for (let i = 0; i < 12_000; i++) suspects.note(`s${i}`, 'limited', '', 0);
  expect(suspects.size).toBe(10_000);
  for (let s = 0; s < 120; s++) for (let i = 0; i < 999; i++) suspects.note(`p${s}`, 'missingPaths', `/${i}`, 0);
  expect(suspects.size).toBeLessThan(120);
});

/** The first block has a minute. */
function terms(longest: number): BlockTerms {
  return { first: 60_000, longest, cause: 'limited', score: 100 };
}

/** Two workers with each other's notices. */
function workers(): readonly [BlockedSources, BlockedSources] {
  const listeners: ((key: string, value: BlockNotice | null, from: string) => void)[] = [];
  const join = (index: number): Broadcast => ({
    publish: (_, key, value) => listeners.forEach((listener, i) => i !== index && listener(key, value as BlockNotice | null, '')),
    subscribe: (_, listener) => void (listeners[index] = listener as (typeof listeners)[number]),
  });
  return [new BlockedSources(join(0)), new BlockedSources(join(1))];
}

test('a block of one worker holds in the other, for this policy and source', () => {
  const [first, second] = workers();
  first.block('p', 's', terms(600_000));
  expect([second.holds('p', 's'), second.holds('p', 't'), second.holds('q', 's')]).toEqual([true, false, false]);
});

test('each further block is twice as long, up to the longest, in whichever worker', () => {
  const [first, second] = workers();
  const lengths = [first, second, first, second].map((worker) => worker.block('p', 's', terms(200_000)).until - Date.now());
  expect(lengths.map((length) => Math.ceil(length / 1_000))).toEqual([60, 120, 200, 200]);
});

test('the oldest of too many blocks gives way, in each worker', () => {
  const [first, second] = workers();
  for (let i = 0; i <= 10_000; i++) first.block('p', `s${i}`, terms(60_000));
  expect([first, second].map((worker) => [worker.holds('p', 's0'), worker.holds('p', 's10000')])).toEqual([
    [false, true],
    [false, true],
  ]);
});
