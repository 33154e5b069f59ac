// The room at an endpoint: which requests get it, and which ones make way for others.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import type { Limits } from '../exchange/limits.ts';
import { Capacity } from './capacity.ts';
import type { CapacityTaker, CapacityUser } from './capacity.ts';

/** Longer than the time between two looks. */
const LOOK_MS = 120;

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

/** A pool that takes so many connections when it is told of room. */
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

/** A connection whose client is so far behind. */
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
  test('are as many as there may be; a pool that found no room gets the next, the one that waits longest first', () => {
    const { capacity, exhausted } = open({ maxConnectionsPerEndpoint: 2 });
    const [holder, first, second] = [new Pool(capacity, 2), new Pool(capacity, 1), new Pool(capacity, 1)];
    for (const pool of [holder, first, second]) pool.openAsNeeded();
    expect([holder.has, first.has, second.has, exhausted(), capacity.isShort]).toEqual([2, 0, 0, 2, true]);
    capacity.giveConnection(null);
    expect([first.has, second.has, capacity.isShort]).toEqual([1, 0, true]);
    capacity.giveConnection(null);
    expect([second.has, capacity.isShort]).toEqual([1, false]);
    const last = new Pool(capacity, 1);
    last.openAsNeeded();
    expect(last.has).toBe(0);
  });

  test('that a pool wants no more go to the next', () => {
    const { capacity } = open({ maxConnectionsPerEndpoint: 1 });
    const [holder, first, second] = [new Pool(capacity, 1), new Pool(capacity, 1), new Pool(capacity, 1)];
    for (const pool of [holder, first, second]) pool.openAsNeeded();
    first.wants = 0;
    capacity.giveConnection(null);
    expect([first.has, second.has, capacity.isShort]).toEqual([0, 1, false]);
  });
});

describe('connections of slow clients', () => {
  /** One place, taken by a slow client each, and a pool that waits for one. */
  function crowded(limits: Partial<Limits>, ...lags: readonly number[]) {
    const opened = open({ slowClientTimeout: 100, ...limits, maxConnectionsPerEndpoint: lags.length });
    const { capacity } = opened;
    const holder = new Pool(capacity, lags.length);
    holder.openAsNeeded();
    const takers = lags.map((lag) => new Taker(lag, (taker) => capacity.giveConnection(taker)));
    for (const taker of takers) capacity.opened(taker);
    return { ...opened, takers, waiting: new Pool(capacity, 1) };
  }

  test('count apart once others wait, and only then', () => {
    const { capacity, takers, waiting } = crowded({}, 500, 0);
    jest.advanceTimersByTime(LOOK_MS);
    expect(capacity.aside).toBe(0);
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(LOOK_MS);
    expect([takers.map(({ aside }) => aside), capacity.aside, waiting.has]).toEqual([[true, false], 1, 1]);
  });

  test('leave no room behind that they did not take when they close', () => {
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

  test('make way where there is no room apart, the one furthest behind first, for as many as wait', () => {
    const { capacity, takers, waiting } = crowded({ maxSlowPerEndpoint: 0 }, 200, 900, 500);
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(LOOK_MS);
    expect(takers.map(({ displaced }) => displaced)).toEqual([false, true, false]);
    expect(waiting.has).toBe(1);
  });

  test('stay where they are while they are not behind for long enough, or never may be', () => {
    for (const limits of [{}, { slowClientTimeout: 0 }]) {
      const { capacity, takers, waiting } = crowded(limits, limits.slowClientTimeout === 0 ? 5_000 : 99);
      capacity.takePending();
      waiting.openAsNeeded();
      jest.advanceTimersByTime(10 * LOOK_MS);
      expect([takers[0]?.aside, takers[0]?.displaced, waiting.has]).toEqual([false, false, 0]);
    }
  });

  test('are looked at again and again while others wait, and no more after that', () => {
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

  test('with long bodies count apart however fast they are', () => {
    const { capacity, takers, waiting } = crowded({}, 0);
    (takers[0] as Taker).long = true;
    capacity.takePending();
    waiting.openAsNeeded();
    jest.advanceTimersByTime(LOOK_MS);
    expect([takers[0]?.aside, takers[0]?.displaced, waiting.has]).toEqual([true, false, 1]);
  });
});
