// The share of further attempts among the requests of a backend.
import { describe, expect, test } from '@jest/globals';
import type { RetryBudgetPlan } from '../exchange/plan.ts';
import { ClusterRetryBudget } from './retry-budget.ts';

const PLAN: RetryBudgetPlan = { percent: 20, interval: 10_000, least: 0, leastInterval: 1_000 };

function open(startedAt = 5_000_000) {
  let now = startedAt;
  const budget = new ClusterRetryBudget(() => now);
  return {
    budget,
    pass: (ms: number) => void (now += ms),
    requests: (count: number) => {
      for (let i = 0; i < count; i++) budget.requested();
    },
    /** The number of attempts that the budget allows out of many. */
    allowed: (plan: Partial<RetryBudgetPlan> = {}, workers = 1) => {
      let taken = 0;
      for (let i = 0; i < 2_000; i++) if (budget.take({ ...PLAN, ...plan }, workers)) taken++;
      return taken;
    },
  };
}

describe('the share', () => {
  test('allows that part of the requests', () => {
    const { requests, allowed } = open();
    expect(allowed()).toBe(0);
    requests(1_000);
    expect(allowed()).toBe(200);
    requests(99);
    expect(allowed()).toBe(19);
    expect(allowed({ percent: 100 })).toBe(1_099 - 219);
  });

  test.each([
    [10_000, 9_000, 200],
    [10_000, 10_001, 0],
    [1_000, 1_001, 0],
    [60_000, 59_000, 200],
    [60_000, 61_000, 0],
    [600_000, 540_000, 200],
    [600_000, 660_000, 0],
    [3_600_000, 3_540_000, 200],
    [10_000, 10_000_000, 0],
  ])('over an interval of %i ms counts requests %i ms ago as %i', (interval, ago, expected) => {
    const { requests, allowed, pass } = open(6_000_000);
    requests(1_000);
    pass(ago);
    expect(allowed({ interval })).toBe(expected);
  });

  test('counts the retries of the interval only', () => {
    const { requests, allowed, pass } = open();
    requests(100);
    expect(allowed()).toBe(20);
    pass(11_000);
    requests(100);
    expect(allowed()).toBe(20);
  });

  test('is shared by all plans', () => {
    const { requests, allowed } = open();
    requests(100);
    expect([allowed({ percent: 10 }), allowed(), allowed({ percent: 15 })]).toEqual([10, 10, 0]);
  });
});

describe('the least rate', () => {
  test('allows retries without requests, each second', () => {
    const { allowed, pass } = open();
    expect(allowed({ least: 5 })).toBe(5);
    pass(1_000);
    expect(allowed({ least: 5 })).toBe(5);
  });

  test('adds nothing to the share', () => {
    const { requests, allowed } = open();
    requests(1_000);
    expect(allowed({ least: 5 })).toBe(200);
  });

  test('is divided by the workers, rounded up', () => {
    const { allowed } = open();
    expect(allowed({ least: 5 }, 2)).toBe(3);
  });

  test('may be that of a longer time', () => {
    const { allowed, pass } = open(6_000_000);
    expect(allowed({ least: 3, leastInterval: 60_000 })).toBe(3);
    pass(30_000);
    expect(allowed({ least: 3, leastInterval: 60_000 })).toBe(0);
    pass(31_000);
    expect(allowed({ least: 3, leastInterval: 60_000 })).toBe(3);
  });
});
