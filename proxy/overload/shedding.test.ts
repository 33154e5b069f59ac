// Episodes of refusals: the first refusal begins one, five quiet seconds end it.
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Exchange } from '../exchange/exchange.ts';
import { Shedding } from './shedding.ts';
import type { Signal } from './signal.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a worker that is busy and refuses nothing has no episode', () => {
  const signal = { name: 'cpu', severity: 2, sample: () => undefined } satisfies Signal;
  const told: unknown[] = [];
  const shedding = new Shedding([signal], (cause) => told.push(cause));
  jest.advanceTimersByTime(1_000);
  expect([shedding.active, shedding.refusal(new Exchange({} as never, {} as never, 0), 'head'), told]).toEqual([true, null, []]);
  shedding.stop();
});

test('an episode begins with the first refusal and ends after five seconds without one', () => {
  const signal = { name: 'memory', severity: 4, sample: () => undefined } as const;
  const told: unknown[] = [];
  const shedding = new Shedding([signal], (cause) => told.push(cause));
  jest.advanceTimersByTime(100);
  for (let i = 0; i < 3; i++) {
    expect(shedding.refusal(new Exchange({} as never, {} as never, 0), 'head')).toMatchObject({ code: 'overloaded', detail: 'memory' });
    jest.advanceTimersByTime(4_000);
  }
  expect(told).toEqual(['memory']);
  jest.advanceTimersByTime(1_100);
  expect(told).toEqual(['memory', null]);
  expect(shedding.refusesConnection()).toBe(true);
  expect(told).toEqual(['memory', null, 'memory']);
  shedding.stop();
});

test('without a signal there is no timer', () => {
  const shedding = new Shedding([]);
  expect(jest.getTimerCount()).toBe(0);
  shedding.stop();
});
