import { expect, test } from '@jest/globals';
import { LimitCounters } from './limit-metrics.ts';

test('counts of limits are bounded: further limits count together', () => {
  const counters = new LimitCounters();
  for (let i = 0; i < 3_000; i++) counters.of(`default/policy/${i}`).passed++;
  counters.of('default/policy/1').passed++;
  const counts = new Map(counters.entries());
  expect([counts.size, counts.get('default/policy/1')?.passed, counts.get('other')?.passed]).toEqual([2_001, 2, 1_000]);
});
