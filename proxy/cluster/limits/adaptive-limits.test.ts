// What adaptive limits learn from the ends of attempts.
import { expect, test } from '@jest/globals';
import type { Attempt, AttemptOutcome } from '../../exchange/attempt.ts';
import { AdaptiveLimits } from './adaptive-limits.ts';
import type { GradientSettings } from './gradient-limit.ts';
import { NO_LIMITS, shareOf } from './limit-settings.ts';
import { Load } from './load.ts';

const SETTINGS: GradientSettings = { minRequests: 10, maxRequests: 1_000, tolerancePercent: 50 };

interface End {
  readonly outcome: AttemptOutcome;
  readonly status: number;
  /** To the head, and to the end, milliseconds; no head: 0. */
  readonly head: number;
  readonly end: number;
}

/** The latency of low load that a limit has learnt, after a second of such ends. */
function learn(limits: AdaptiveLimits, from: number, { outcome, status, head, end }: End): number {
  for (let i = 0; i < 100; i++) {
    const sentAt = from + i * 10;
    const times = { sentAt, headAt: head > 0 ? sentAt + head : 0, endedAt: sentAt + end };
    limits.attemptEnded({ ...times, status, exchange: { grpc: false } } as Attempt, outcome);
  }
  return limits.of(SETTINGS).baseline;
}

function fresh(): AdaptiveLimits {
  const limits = new AdaptiveLimits(new Load());
  limits.of(SETTINGS);
  return limits;
}

const ANSWER: End = { outcome: 'answered', status: 200, head: 20, end: 500 };

test('an answer counts with the time to its head', () => {
  expect(learn(fresh(), 1_000, ANSWER)).toBe(20);
});

test.each<[string, End]>([
  ['a fast error', { ...ANSWER, status: 503, head: 1, end: 1 }],
  ['a fast failure', { ...ANSWER, outcome: 'failed', head: 0, end: 1 }],
  ['a client that leaves early', { ...ANSWER, outcome: 'abandoned', head: 0, end: 1 }],
])('%s is no sign of a fast backend', (_, end) => {
  const limits = fresh();
  learn(limits, 1_000, ANSWER);
  expect(learn(limits, 2_000, end)).toBe(20);
});

test.each<[string, End]>([
  ['a client that leaves after a long wait', { ...ANSWER, outcome: 'abandoned', head: 0, end: 200 }],
  ['a late error', { ...ANSWER, status: 504, head: 200, end: 200 }],
])('%s is a sign of a slow backend', (_, end) => {
  const limits = fresh();
  learn(limits, 1_000, ANSWER);
  expect(learn(limits, 2_000, end)).toBeGreaterThan(20);
});

test('equal settings share a limit, and a limit without a user is forgotten', () => {
  const limits = fresh();
  const other = { ...SETTINGS, minRequests: 30 };
  expect(limits.of({ ...SETTINGS })).toBe(limits.of(SETTINGS));
  limits.of(other);
  expect(limits.highest).toBe(30);
  limits.keep([SETTINGS]);
  expect(limits.highest).toBe(10);
  limits.keep([]);
  expect(limits.highest).toBe(0);
});

test('workers share the bounds of a limit', () => {
  expect(shareOf({ ...NO_LIMITS, adaptive: SETTINGS }, 4).adaptive).toEqual({ minRequests: 3, maxRequests: 250, tolerancePercent: 50 });
});
