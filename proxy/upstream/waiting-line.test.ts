// Attempts that wait for a connection: the order, the number, and the time.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { attemptOf, PoolRig } from '../../test/support/pool-rig.ts';
import { termsOf } from '../exchange/connection-terms.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { Limits } from '../exchange/limits.ts';
import { WaitingLine } from './waiting-line.ts';

/** The maximum delay of the wheel is two ticks. */
const LATE_MS = 50;

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

function open(limits: Partial<Limits> = {}): { readonly rig: PoolRig; readonly line: WaitingLine } {
  const rig = new PoolRig(limits);
  return { rig, line: new WaitingLine(rig.options, termsOf(null, rig.limits)) };
}

function attempts(count: number): readonly Attempt[] {
  return Array.from({ length: count }, () => attemptOf());
}

describe('a line', () => {
  test('returns the attempt that waits longest', () => {
    const { rig, line } = open();
    const all = attempts(3);
    for (const attempt of all) line.push(attempt);
    expect(line.first).toBe(all[0]);
    expect([line.shift(), line.shift(), line.shift(), line.shift()]).toEqual([...all, undefined]);
    expect([rig.failed, rig.wheel.size]).toEqual([[], 0]);
  });

  test('keeps the order of the others when one leaves, and ignores unknown ones', () => {
    const { line } = open();
    const [first, second, third, stranger] = attempts(4) as [Attempt, Attempt, Attempt, Attempt];
    for (const attempt of [first, second, third]) line.push(attempt);
    line.remove(second);
    line.remove(stranger);
    expect([line.length, line.shift(), line.shift()]).toEqual([2, first, third]);
  });

  test('refuses attempts without a place, until one is taken, leaves, or times out', () => {
    const { rig, line } = open({ maxPendingPerEndpoint: 2, pendingTimeout: 1_000 });
    const all = attempts(6) as [Attempt, Attempt, Attempt, Attempt, Attempt, Attempt];
    for (const attempt of all.slice(0, 3)) line.push(attempt);
    expect(rig.failed).toEqual([[all[2], 'overloaded']]);
    line.shift();
    line.push(all[3]);
    line.remove(all[1]);
    line.push(all[4]);
    line.push(all[5]);
    expect(rig.failed.slice(1)).toEqual([[all[5], 'overloaded']]);
    jest.advanceTimersByTime(1_000 + LATE_MS);
    expect(line.length).toBe(0);
    for (const attempt of all.slice(0, 2)) line.push(attempt);
    expect(line.length).toBe(2);
  });

  test('shares its places with other lines of the endpoint', () => {
    const { rig, line } = open({ maxPendingPerEndpoint: 1 });
    const other = new WaitingLine(rig.options, termsOf(null, rig.limits));
    const [first, second, third] = attempts(3) as [Attempt, Attempt, Attempt];
    line.push(first);
    other.push(second);
    expect(rig.failed).toEqual([[second, 'overloaded']]);
    line.shift();
    other.push(third);
    expect(other.first).toBe(third);
  });
});

describe('the timeout', () => {
  test('expires for each at its own time, and for none that was taken', () => {
    const { rig, line } = open({ pendingTimeout: 1_000 });
    const [out, first, second] = attempts(3) as [Attempt, Attempt, Attempt];
    line.push(out);
    jest.advanceTimersByTime(300);
    line.push(first);
    jest.advanceTimersByTime(300);
    line.push(second);
    line.shift();
    jest.advanceTimersByTime(600);
    expect(rig.failed).toEqual([]);
    jest.advanceTimersByTime(100 + LATE_MS);
    expect(rig.failed).toEqual([[first, 'overloaded']]);
    jest.advanceTimersByTime(300);
    expect(rig.failed.slice(1)).toEqual([[second, 'overloaded']]);
    expect([line.length, rig.wheel.size]).toEqual([0, 0]);
  });

  test('starts again for an attempt that returns as soon as it expires', () => {
    const rig = new PoolRig({ pendingTimeout: 1_000 });
    const told: Attempt[] = [];
    const again = attemptOf();
    const upstreamFailed = (attempt: Attempt): void => {
      told.push(attempt);
      if (told.length === 1) line.push(again);
    };
    const line = new WaitingLine({ ...rig.options, events: { upstreamFailed } as never }, termsOf(null, rig.limits));
    const first = attemptOf();
    line.push(first);
    jest.advanceTimersByTime(1_000 + LATE_MS);
    expect([told, line.first]).toEqual([[first], again]);
    jest.advanceTimersByTime(900);
    expect(told).toHaveLength(1);
    jest.advanceTimersByTime(100 + LATE_MS);
    expect(told).toEqual([first, again]);
  });
});
