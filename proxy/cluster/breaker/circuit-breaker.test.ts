// The states of a circuit breaker, with a clock of the test's own.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { Attempt } from '../../exchange/attempt.ts';
import type { BreakerSettings } from './breaker-settings.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

const SETTINGS: BreakerSettings = {
  ...{ scope: 'Backend', consecutiveFailures: 0, failurePercent: 0, slowPercent: 0, slowAfter: 0, minRequests: 10, window: 10_000 },
  ...{ openFor: 1_000, halfOpenRequests: 2, successThreshold: 3 },
};

function breakerOf(settings: Partial<BreakerSettings>): { readonly breaker: CircuitBreaker; readonly told: string[] } {
  const told: string[] = [];
  const changed = (state: string, cause: string | null): void => void (cause === null ? told.push(state) : told.push(`${state}: ${cause}`));
  return { breaker: new CircuitBreaker({ settings: { ...SETTINGS, ...settings }, timers: new TimerWheel(), changed }), told };
}

function begin(breaker: CircuitBreaker): Attempt {
  const attempt = { endedAt: 0 } as Attempt;
  breaker.began(attempt);
  return attempt;
}

function end(breaker: CircuitBreaker, attempt: Attempt, succeeded: boolean | null, ms = 1): void {
  attempt.endedAt = performance.now();
  breaker.ended(attempt, succeeded, ms);
}

function call(breaker: CircuitBreaker, succeeded: boolean | null, ms = 1): void {
  end(breaker, begin(breaker), succeeded, ms);
}

/** An open breaker, after its time. */
function halfOpen(): ReturnType<typeof breakerOf> {
  const made = breakerOf({ consecutiveFailures: 1 });
  call(made.breaker, false);
  jest.advanceTimersByTime(1_100);
  expect(made.breaker.state).toBe('half-open');
  made.told.length = 0;
  return made;
}

describe('a closed breaker opens', () => {
  test('after consecutive failures; a success in between starts the count again', () => {
    const { breaker, told } = breakerOf({ consecutiveFailures: 3 });
    for (const succeeded of [false, false, true, false, false]) call(breaker, succeeded);
    expect([breaker.state, breaker.passes, breaker.waitMs]).toEqual(['closed', true, 0]);
    call(breaker, false);
    expect([breaker.state, breaker.passes, breaker.waitMs]).toEqual(['open', false, 1_000]);
    expect(told).toEqual(['open: consecutive failures']);
  });

  test('by the share of failures, from the least number of requests on', () => {
    const { breaker, told } = breakerOf({ failurePercent: 50 });
    for (let i = 0; i < 9; i++) call(breaker, i % 2 === 0);
    expect(breaker.state).toBe('closed');
    call(breaker, false);
    expect(told).toEqual(['open: failure ratio']);
  });

  test('by the share of slow requests, also if they succeed', () => {
    const { breaker, told } = breakerOf({ slowPercent: 80, slowAfter: 100 });
    for (let i = 0; i < 12; i++) call(breaker, true, i < 4 ? 99 : 100);
    expect(breaker.state).toBe('closed');
    for (let i = 0; i < 8; i++) call(breaker, true, 500);
    expect(told).toEqual(['open: slow requests']);
  });

  test('with a window of 0 too, which counts as its least length', () => {
    const { breaker, told } = breakerOf({ consecutiveFailures: 2, failurePercent: 50, window: 0 });
    jest.advanceTimersByTime(5);
    for (let i = 0; i < 2; i++) call(breaker, false);
    expect(told).toEqual(['open: consecutive failures']);
  });

  test('not by failures that the window does not have any more', () => {
    const { breaker } = breakerOf({ failurePercent: 50 });
    for (let i = 0; i < 9; i++) call(breaker, false);
    jest.advanceTimersByTime(11_000);
    for (let i = 0; i < 9; i++) call(breaker, true);
    call(breaker, false);
    expect(breaker.state).toBe('closed');
  });

  test('not by requests that say nothing', () => {
    const { breaker } = breakerOf({ consecutiveFailures: 2, failurePercent: 1 });
    call(breaker, false);
    for (let i = 0; i < 20; i++) call(breaker, null);
    expect(breaker.state).toBe('closed');
  });
});

describe('a half-open breaker', () => {
  test('lets a few requests pass at a time, and closes after enough successes', () => {
    const { breaker, told } = halfOpen();
    const trials = [begin(breaker), begin(breaker)];
    expect(breaker.passes).toBe(false);
    for (const trial of trials) end(breaker, trial, true);
    expect([breaker.state, breaker.passes]).toEqual(['half-open', true]);
    call(breaker, true);
    expect(breaker.state).toBe('closed');
    expect(told.at(-1)).toBe('closed');
  });

  test('opens again after one failure, or a slow request', () => {
    const { breaker, told } = halfOpen();
    call(breaker, false);
    expect(told.at(-1)).toBe('open: failed trial');
    jest.advanceTimersByTime(900);
    expect(breaker.state).toBe('open');
    jest.advanceTimersByTime(200);
    expect(breaker.state).toBe('half-open');
  });

  test('learns nothing from requests that began before', () => {
    const { breaker } = breakerOf({ consecutiveFailures: 1 });
    const early = begin(breaker);
    call(breaker, false);
    jest.advanceTimersByTime(1_100);
    end(breaker, early, false);
    expect(breaker.state).toBe('half-open');
  });

  test('gets room for another request if the end of one says nothing', () => {
    const { breaker } = halfOpen();
    const [one] = [begin(breaker), begin(breaker)];
    end(breaker, one, null);
    expect([breaker.state, breaker.passes]).toEqual(['half-open', true]);
  });
});

test('other workers open and close it', () => {
  const { breaker, told } = breakerOf({ consecutiveFailures: 5 });
  breaker.open('told');
  breaker.close();
  breaker.close();
  expect([breaker.state, told]).toEqual(['closed', ['open: told', 'closed']]);
});
