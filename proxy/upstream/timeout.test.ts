// Deadlines of exchanges and of attempts: their times, their errors, and that no timer is left.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { attemptOf } from '../../test/support/pool-rig.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { getHeader } from '../exchange/headers.ts';
import {
  propagateDeadline,
  renewRequestTimeout,
  startAttemptTimeout,
  startBackoff,
  startCallerDeadline,
  startRequestTimeout,
  stopTimeouts,
} from './timeout.ts';

/** The maximum delay of the wheel is two ticks. */
const LATE_MS = 50;

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

interface Limits {
  readonly request?: number;
  readonly attempt?: number;
  /** The `grpc-timeout` of the caller. */
  readonly asked?: string;
}

function open({ request = 0, attempt = 0, asked }: Limits) {
  const wheel = new TimerWheel();
  const told: string[] = [];
  const listener = {
    timedOut: (_: Exchange, { code }: { readonly code: string }) => void told.push(code),
    retryDue: () => void told.push('retry'),
    attemptTimedOut: () => void told.push('upstream_timeout'),
    hedgeDue: () => undefined,
  };
  const one = attemptOf({ startedAt: performance.now(), grpc: asked !== undefined });
  const { exchange } = one;
  exchange.requestHeaders = asked === undefined ? [] : ['grpc-timeout', asked];
  exchange.attempt = one;
  setRoute(exchange, request, attempt);
  return { wheel, told, listener, exchange, attempt: one };
}

function setRoute(exchange: Exchange, requestTimeout: number, backendRequestTimeout = 0): void {
  exchange.route = { requestTimeout, backendRequestTimeout, timeoutHeader: null } as never;
}

describe('the deadline of a call', () => {
  test.each<[string, Limits, number, string]>([
    ['of the caller', { asked: '100m' }, 100, 'deadline_exceeded'],
    ['of the route, if it is shorter', { asked: '1S', request: 100 }, 100, 'request_timeout'],
    ['of the caller, if it is shorter', { asked: '100m', request: 1_000 }, 100, 'deadline_exceeded'],
  ])('is that %s, from the arrival', (_, limits, after, code) => {
    const { wheel, listener, exchange, told } = open(limits);
    jest.advanceTimersByTime(40);
    expect(startCallerDeadline(exchange, wheel, listener)).toBe(true);
    jest.advanceTimersByTime(after - 40);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(LATE_MS);
    expect([told, wheel.size]).toEqual([[code], 0]);
  });

  test('in the past is reported at the next tick, and not before', () => {
    const { wheel, listener, exchange, told } = open({ asked: '10m' });
    jest.advanceTimersByTime(500);
    startCallerDeadline(exchange, wheel, listener);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(LATE_MS + 1);
    expect(told).toEqual(['deadline_exceeded']);
  });

  test('that is invalid is refused, and without a header there is none', () => {
    const bad = open({ asked: 'soon', request: 100 });
    expect([startCallerDeadline(bad.exchange, bad.wheel, bad.listener), bad.wheel.size]).toEqual([false, 0]);
    const none = open({});
    none.exchange.grpc = true;
    expect([startCallerDeadline(none.exchange, none.wheel, none.listener), none.wheel.size, none.exchange.deadlineAt]).toEqual([
      true,
      0,
      0,
    ]);
  });
});

describe('the deadline for a backend', () => {
  test.each<[string, Limits, string | null]>([
    ['is the rest of the time of the call', { asked: '100m' }, '60000u'],
    ['is that of the attempt, if it is earlier', { asked: '100m', attempt: 20 }, '20000u'],
    ['is the rest of the time of the call, if that is shorter', { asked: '100m', attempt: 80 }, '60000u'],
    ['is that of the attempt, if the caller set none', { attempt: 20 }, '20000u'],
    ['is absent without any limit', {}, null],
  ])('%s', (_, limits, timeout) => {
    const { wheel, listener, exchange, attempt } = open(limits);
    exchange.grpc = true;
    startCallerDeadline(exchange, wheel, listener);
    jest.advanceTimersByTime(40);
    propagateDeadline(attempt);
    expect(getHeader(exchange.requestHeaders, 'grpc-timeout')).toBe(timeout);
    expect(attempt.deadlineAt > 0).toBe(timeout !== null);
  });
});

describe('a request whose backend has its own timeout', () => {
  test('uses that timeout, from its arrival', () => {
    const { wheel, listener, exchange, told } = open({ request: 100 });
    startRequestTimeout(exchange, wheel, listener);
    jest.advanceTimersByTime(50);
    setRoute(exchange, 300);
    renewRequestTimeout(exchange, wheel, listener);
    jest.advanceTimersByTime(240);
    expect([told, wheel.size]).toEqual([[], 1]);
    jest.advanceTimersByTime(10 + LATE_MS);
    expect(told).toEqual(['request_timeout']);
  });

  test('has no timeout if the backend has none, except that of the caller of a call', () => {
    const plain = open({ request: 100 });
    startRequestTimeout(plain.exchange, plain.wheel, plain.listener);
    setRoute(plain.exchange, 0);
    renewRequestTimeout(plain.exchange, plain.wheel, plain.listener);
    expect([plain.wheel.size, plain.exchange.requestTimer]).toEqual([0, null]);
    const call = open({ asked: '200m', request: 100 });
    startCallerDeadline(call.exchange, call.wheel, call.listener);
    setRoute(call.exchange, 0);
    renewRequestTimeout(call.exchange, call.wheel, call.listener);
    jest.advanceTimersByTime(200 + LATE_MS);
    expect(call.told).toEqual(['deadline_exceeded']);
  });
});

test('a finished exchange, attempt or pause has no timer', () => {
  const { wheel, listener, exchange, attempt, told } = open({ request: 100, attempt: 100 });
  startRequestTimeout(exchange, wheel, listener);
  startAttemptTimeout(attempt, wheel, listener);
  startBackoff(exchange, 100, wheel, listener);
  expect(wheel.size).toBe(3);
  stopTimeouts(exchange, wheel);
  expect(wheel.size).toBe(0);
  jest.advanceTimersByTime(1_000);
  expect(told).toEqual([]);
});

test('a pause ends after its time, every time', () => {
  const { wheel, listener, exchange, told } = open({});
  for (let i = 1; i <= 2; i++) {
    startBackoff(exchange, 30, wheel, listener);
    jest.advanceTimersByTime(30 + LATE_MS);
    expect(told).toHaveLength(i);
  }
});
