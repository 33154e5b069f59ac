// The limits of an endpoint: the order of requests, and the connections that make room for others.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import type { Limits } from '../exchange/limits.ts';
import { Capacity } from './capacity.ts';
import type { CapacityTaker, CapacityUser } from './capacity.ts';

/** Longer than the interval of checks. */
const LOOK_MS = 120;

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

/** A pool that opens a number of connections when it is called. */
class Pool implements CapacityUser {
  readonly #capacity: Capacity;
  wants: number;
  has = 0;
  told = 0;

  constructor(capacity: Capacity, wants = 0) {
    this.#capacity = capacity;
    this.wants = wants;
  }

  openAsNeeded(): void {
    this.told++;
    while (this.wants > 0 && this.#capacity.takeConnection(this)) {
      this.wants--;
      this.has++;
    }
  }
}

/** A connection with a given lag of its client. */
class Taker implements CapacityTaker {
  aside = false;
  long = false;
  displaced = false;
  behind: number;
  readonly #gone: (taker: Taker) => void;

  constructor(behind: number, gone: (taker: Taker) => void = () => undefined) {
    this.behind = behind;
    this.#gone = gone;
  }

  lag(): number {
    return this.behind;
  }

  displace(): void {
    this.displaced = true;
    this.#gone(this);
  }
}

function open(limits: Partial<Limits>): { readonly capacity: Capacity; readonly wheel: TimerWheel; exhausted: () => number } {
  const wheel = new TimerWheel();
  let exhausted = 0;
  const capacity = new Capacity({ ...DEFAULT_LIMITS, ...limits }, wheel, () => void exhausted++);
  return { capacity, wheel, exhausted: () => exhausted };
}

describe('connections', () => {
  test('are limited; a pool without room gets the next one, in order of waiting time', () => {
    const { capacity, exhausted } = open({ maxConnectionsPerEndpoint: 2 });
    const [holder, first, second] = [new Pool(capacity, 2), new Pool(capacity, 1), new Pool(capacity, 1)];
    for (const pool of [holder, first, second]) pool.openAsNeeded();
    expect([holder.has, first.has, second.has, exhausted(), capacity.isShortBeside(holder)]).toEqual([2, 0, 0, 2, true]);
    capacity.giveConnection(null);
    expect([first.has, second.has, capacity.isShortBeside(holder)]).toEqual([1, 0, true]);
    capacity.giveConnection(null);
    expect([second.has, capacity.isShortBeside(holder)]).toEqual([1, false]);
    const last = new Pool(capacity, 1);
    last.openAsNeeded();
    expect(last.has).toBe(0);
  });

  test('that a pool does not need any more are given to the next pool', () => {
    const { capacity } = open({ maxConnectionsPerEndpoint: 1 });
    const [holder, first, second] = [new Pool(capacity, 1), new Pool(capacity, 1), new Pool(capacity, 1)];
    for (const pool of [holder, first, second]) pool.openAsNeeded();
    first.wants = 0;
    capacity.giveConnection(null);
    expect([first.has, second.has, capacity.isShortBeside(holder)]).toEqual([0, 1, false]);
  });
});

describe('connections of slow clients', () => {
  /** One connection of a slow client for each lag, and a pool that waits. */
  function crowded(limits: Partial<Limits>, ...lags: readonly number[]) {
    const opened = open({ slowClientTimeout: 100, ...limits, maxConnectionsPerEndpoint: lags.length });
    const { capacity } = opened;
    const holder = new Pool(capacity, lags.length);
    holder.openAsNeeded();
    const takers = lags.map((lag) => new Taker(lag, (taker) => capacity.giveConnection(taker)));
    for (const taker of takers) capacity.opened(taker);
    return { ...opened, takers, waiting: new Pool(capacity, 1) };
  }

  test('count apart only once others wait', () => {
    const { capacity, takers, waiting } = crowded({}, 500, 0);
    jest.advanceTimersByTime(LOOK_MS);
    expect(capacity.aside).toBe(0);
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(LOOK_MS);
    expect([takers.map(({ aside }) => aside), capacity.aside, waiting.has]).toEqual([[true, false], 1, 1]);
  });

  test('free no room that they did not take', () => {
    const { capacity, takers, waiting } = crowded({}, 500);
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(LOOK_MS);
    capacity.givePending();
    capacity.giveConnection(takers[0] ?? null);
    const other = new Pool(capacity, 1);
    other.openAsNeeded();
    expect([capacity.aside, waiting.has, other.has]).toEqual([0, 1, 0]);
  });

  test('close if no room apart is left, the largest lag first, one per waiting exchange', () => {
    const { capacity, takers, waiting } = crowded({ maxSlowPerEndpoint: 0 }, 200, 900, 500);
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(LOOK_MS);
    expect(takers.map(({ displaced }) => displaced)).toEqual([false, true, false]);
    expect(waiting.has).toBe(1);
  });

  test('stay while their lag is small, or if the limit is off', () => {
    for (const limits of [{}, { slowClientTimeout: 0 }]) {
      const { capacity, takers, waiting } = crowded(limits, limits.slowClientTimeout === 0 ? 5_000 : 99);
      capacity.takePending();
      waiting.openAsNeeded();
      jest.advanceTimersByTime(10 * LOOK_MS);
      expect([takers[0]?.aside, takers[0]?.displaced, waiting.has]).toEqual([false, false, 0]);
    }
  });

  test('are checked repeatedly while others wait, and not after that', () => {
    const { capacity, takers, waiting, wheel } = crowded({}, 0);
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(5 * LOOK_MS);
    expect([waiting.has, wheel.size]).toEqual([0, 1]);
    (takers[0] as Taker).behind = 500;
    jest.advanceTimersByTime(LOOK_MS);
    capacity.givePending();
    jest.advanceTimersByTime(LOOK_MS);
    expect([waiting.has, wheel.size]).toEqual([1, 0]);
  });

  test('with long bodies count apart at any speed', () => {
    const { capacity, takers, waiting } = crowded({}, 0);
    (takers[0] as Taker).long = true;
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(LOOK_MS);
    expect([takers[0]?.aside, takers[0]?.displaced, waiting.has]).toEqual([true, false, 1]);
  });
});
