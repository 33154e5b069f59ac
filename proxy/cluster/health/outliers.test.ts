// Outlier detection at one endpoint: what counts as a failure, when the endpoint is ejected, for how long, and how it returns.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { Attempt, AttemptOutcome } from '../../exchange/attempt.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { EjectionNotice } from '../../exchange/notices.ts';
import { resultOf } from './attempt-result.ts';
import { detectionId, STANDARD_OUTLIERS } from './outlier-settings.ts';
import type { OutlierSettings } from './outlier-settings.ts';
import { Outliers } from './outliers.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** One finished attempt. */
interface Ended {
  readonly status?: number;
  readonly outcome?: AttemptOutcome;
  readonly error?: ExchangeError | null;
  readonly grpcStatus?: number;
  readonly attempt?: Partial<Attempt>;
  readonly ms?: number;
}

function attemptOf({ status = 200, grpcStatus, attempt = {}, ms = 1 }: Ended): Attempt {
  const now = performance.now();
  const exchange = { grpc: grpcStatus !== undefined, grpcStatus: grpcStatus ?? -1 };
  const headers = grpcStatus === undefined ? [] : ['content-type', 'application/grpc'];
  return { status, headers, exchange, headAt: now + ms, sentAt: now, endedAt: now + ms, ...attempt } as unknown as Attempt;
}

interface Rig {
  readonly outliers: Outliers;
  readonly told: (EjectionNotice | null)[];
  settings: readonly OutlierSettings[];
  replaceable: boolean;
  changes: number;
  /** Ends attempts with these statuses. */
  answer(...statuses: readonly number[]): void;
  end(ended: Ended): void;
  readonly cause: string | null;
}

function rig(changes: Partial<OutlierSettings> = {}): Rig {
  const settings = { ...STANDARD_OUTLIERS, ...changes };
  const made: Rig = {
    told: [],
    settings: [settings],
    replaceable: true,
    changes: 0,
    outliers: new Outliers({
      timers: new TimerWheel(),
      wanted: () => made.settings,
      replaceable: () => made.replaceable,
      tell: (_, notice) => made.told.push(notice),
      changed: () => made.changes++,
    }),
    answer: (...statuses) => {
      for (const status of statuses) made.end({ status });
    },
    end: (ended) => made.outliers.attemptEnded(attemptOf(ended), ended.outcome ?? 'answered', ended.error ?? null),
    get cause() {
      return made.outliers.ejection(detectionId(settings))?.cause ?? null;
    },
  };
  return made;
}

describe('the result of an attempt', () => {
  test.each([
    ['an answer', { status: 404 }, 'success'],
    ['a 500', { status: 500 }, 'serverError'],
    ['a 503', { status: 503 }, 'gatewayError'],
    ['a 503 that is tried again', { status: 503, outcome: 'declined' }, 'gatewayError'],
    ['a failed connection', { outcome: 'failed', error: ERRORS.upstreamConnectFailed }, 'localError'],
    ['a reset', { outcome: 'failed', error: ERRORS.upstreamReset }, 'localError'],
    ['a kept connection that the backend closed', { outcome: 'failed', error: ERRORS.upstreamReset, attempt: { reused: true } }, 'none'],
    ['a refused stream', { outcome: 'failed', error: ERRORS.upstreamRefused }, 'none'],
    ['a limit of the proxy', { outcome: 'failed', error: ERRORS.overloaded }, 'none'],
    ['a client that left', { outcome: 'abandoned' }, 'none'],
    ['a deadline', { outcome: 'abandoned', attempt: { timedOut: true } }, 'localError'],
    ['a call', { grpcStatus: 0 }, 'success'],
    ['a call for something that does not exist', { grpcStatus: 5 }, 'success'],
    ['a call that fails', { grpcStatus: 13 }, 'serverError'],
    ['a call that is not available', { grpcStatus: 14 }, 'gatewayError'],
  ] as const)('%s', (_, ended: Ended, expected) => {
    expect(resultOf(attemptOf(ended), ended.outcome ?? 'answered', ended.error ?? null)).toBe(expected);
  });
});

describe('ejection', () => {
  const local: Ended = { outcome: 'failed', error: ERRORS.upstreamConnectFailed };

  test.each([
    ['5xx', { consecutiveGatewayErrors: 0, consecutiveLocalErrors: 0 }, { status: 500 }],
    ['5xx', { consecutiveGatewayErrors: 0, consecutiveLocalErrors: 0 }, local],
    ['gateway_errors', {}, { status: 502 }],
    ['local_errors', {}, local],
  ] as const)('%s after as many failures in a row as the settings say: %j', (cause, changes, ended: Ended) => {
    const made = rig(changes);
    for (let count = 0; count < 4; count++) made.end(ended);
    expect(made.cause).toBeNull();
    made.end(ended);
    expect([made.cause, made.changes]).toEqual([cause, 1]);
    expect(made.told).toEqual([{ cause, times: 1, length: 10_000, until: Date.now() + 10_000 }]);
  });

  test('not if a success is among the failures', () => {
    const made = rig();
    for (let count = 0; count < 10; count++) made.answer(500, 500, 500, 500, 200);
    expect(made.cause).toBeNull();
  });

  test('by kinds: an answer ends a row of local errors, and a 500 one of gateway errors', () => {
    const made = rig({ consecutive5xx: 0, consecutiveGatewayErrors: 3, consecutiveLocalErrors: 2 });
    for (const ended of [local, { status: 500 }, local, { status: 500 }, { status: 503 }, local, { status: 500 }]) made.end(ended);
    expect(made.cause).toBeNull();
    for (const ended of [{ status: 503 }, local, { status: 502 }]) made.end(ended);
    expect(made.cause).toBe('gateway_errors');
  });

  test('never of the only endpoint', () => {
    const made = rig();
    made.replaceable = false;
    made.answer(...Array<number>(20).fill(500));
    expect([made.cause, made.told]).toEqual([null, []]);
  });

  test('by the share of failures, of enough requests', () => {
    const made = rig({ consecutive5xx: 0, failureRatio: { percent: 40, minRequests: 10 } });
    made.answer(500, 200, 500, 200, 500, 200, 500, 200);
    expect(made.cause).toBeNull();
    made.answer(200, 500);
    expect(made.cause).toBe('failure_ratio');
  });

  test('not by failures older than two intervals', () => {
    const made = rig({ consecutive5xx: 0, consecutiveGatewayErrors: 0, failureRatio: { percent: 50, minRequests: 4 }, interval: 1_000 });
    made.answer(500, 500, 500);
    jest.advanceTimersByTime(2_500);
    made.answer(200, 200, 500);
    expect(made.cause).toBeNull();
    made.answer(500);
    expect(made.cause).toBe('failure_ratio');
  });

  test('thresholds of 0 are off', () => {
    const made = rig({ consecutive5xx: 0, consecutiveGatewayErrors: 0, consecutiveLocalErrors: 0 });
    for (let count = 0; count < 50; count++) made.end(local);
    expect(made.cause).toBeNull();
  });
});

describe('return', () => {
  const fail = (made: Rig): void => made.answer(500, 500, 500, 500, 500);
  const past = (ms: number): void => void jest.advanceTimersByTime(ms + 100);

  test('comes by itself, and is told', () => {
    const made = rig();
    fail(made);
    past(10_000);
    expect([made.cause, made.changes, made.told.at(-1)]).toEqual([null, 2, null]);
  });

  test('is on probation: one failure ejects again, for longer', () => {
    const made = rig({ maxEjectionTime: 25_000 });
    fail(made);
    past(10_000);
    made.answer(500);
    expect(made.told.at(-1)).toMatchObject({ cause: '5xx', times: 2, length: 20_000 });
    past(20_000);
    made.answer(500);
    expect(made.told.at(-1)).toMatchObject({ times: 3, length: 25_000 });
  });

  test('one success ends the probation', () => {
    const made = rig();
    fail(made);
    past(10_000);
    made.answer(200, 500, 500, 500, 500);
    expect(made.cause).toBeNull();
  });

  test('good times make ejections forgotten', () => {
    const made = rig();
    for (const length of [10_000, 20_000, 30_000]) {
      fail(made);
      past(length);
    }
    made.answer(200);
    jest.advanceTimersByTime(60_000);
    fail(made);
    expect(made.told.at(-1)).toMatchObject({ times: 2, length: 20_000 });
  });

  test('failures of requests that began before the ejection change nothing', () => {
    const made = rig();
    fail(made);
    const { told } = made;
    fail(made);
    fail(made);
    expect(told.length).toBe(1);
  });
});

describe('other workers', () => {
  const notice = (changes: Partial<EjectionNotice> = {}): EjectionNotice => ({
    cause: '5xx',
    times: 3,
    length: 30_000,
    until: Date.now() + 20_000,
    ...changes,
  });
  const id = detectionId(STANDARD_OUTLIERS);

  test('eject the endpoint here too, for the rest of the time, and nothing is told again', () => {
    const made = rig();
    made.outliers.take(id, notice());
    expect([made.cause, made.changes, made.told]).toEqual(['5xx', 1, []]);
    jest.advanceTimersByTime(19_900);
    expect(made.cause).toBe('5xx');
    jest.advanceTimersByTime(200);
    expect([made.cause, made.told]).toEqual([null, []]);
    made.answer(500);
    expect(made.told.at(-1)).toMatchObject({ times: 4 });
  });

  test('end their ejections, but none of this worker', () => {
    const made = rig();
    made.outliers.take(id, notice());
    made.outliers.take(id, null);
    expect(made.cause).toBeNull();
    made.answer(500);
    made.outliers.take(id, null);
    expect(made.cause).toBe('5xx');
  });

  test('have no effect with an ejection that is over, and not for longer than its length if a clock jumped', () => {
    const made = rig();
    made.outliers.take(id, notice({ until: Date.now() - 1 }));
    expect(made.cause).toBeNull();
    made.outliers.take(id, notice({ until: Date.now() + 86_400_000 }));
    jest.advanceTimersByTime(30_100);
    expect(made.cause).toBeNull();
  });
});

test('distinct detections have distinct states, and settings that differ in the cap only share one', () => {
  const made = rig();
  const strict = { ...STANDARD_OUTLIERS, consecutive5xx: 2 };
  made.settings = [STANDARD_OUTLIERS, { ...STANDARD_OUTLIERS, maxEjectionPercent: 10 }, strict];
  made.answer(500, 500);
  expect(made.outliers.ejection(detectionId(strict))?.cause).toBe('5xx');
  expect([made.cause, made.told.length]).toEqual([null, 1]);
  made.answer(500, 500, 500);
  expect([made.cause, made.told.length]).toEqual(['5xx', 2]);
});

test('a detector stays the same while its settings are wanted', () => {
  const made = rig();
  made.answer(500, 500, 500, 500);
  made.outliers.outdate();
  made.answer(500);
  expect(made.cause).toBe('5xx');
});

test('a removed endpoint takes back its ejections and has no timer', () => {
  const made = rig();
  made.answer(500, 500, 500, 500, 500);
  made.outliers.stop();
  expect(made.told.at(-1)).toBeNull();
  jest.advanceTimersByTime(60_000);
  expect(made.changes).toBe(1);
});
