import { expect, test } from '@jest/globals';
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
