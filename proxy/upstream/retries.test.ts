// The permission for another attempt, and the pause before it.
import { describe, expect, test } from '@jest/globals';
import { Attempt } from '../exchange/attempt.ts';
import { KeptBody } from '../exchange/kept-body.ts';
import { ERRORS } from '../exchange/errors.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { RetryPlan } from '../exchange/plan.ts';
import { BackendCounts } from '../exchange/upstream-counts.ts';
import { Retries } from './retries.ts';

const PLAN: RetryPlan = {
  ...{ attempts: 5, connect: true, refused: true, reset: 'all', timeout: 'all', codes: [503], safeCodes: [], serverErrors: false },
  ...{ grpcStatuses: [14], backoff: 40, maxBackoff: 300, maxRetryAfter: 2_000 },
};

function open(fields: Partial<Exchange> = {}, of: Partial<Attempt> = {}, retry: RetryPlan | null = PLAN, requestTimeout = 0) {
  const exchange = Object.assign(new Exchange({} as never, {} as never, performance.now()), {
    method: 'GET',
    phase: 'picked',
  });
  // The attempt counts itself.
  Object.assign(exchange, fields, { attempts: (fields.attempts ?? 1) - 1 });
  const budget = { take: () => true };
  const counts = new BackendCounts(
    'b',
    () => true,
    () => undefined,
  );
  exchange.route = { retry, requestTimeout } as never;

  const attempt = Object.assign(
    new Attempt(exchange, { counts, retryBudget: budget, refusing: false } as never, {} as never, {} as never),
    { status: 503, ...of },
  );
  return { exchange, counts, attempt, budget };
}

describe('the pause', () => {
  test.each([
    [1, 0, 40],
    [1, 1, 80],
    [2, 0, 80],
    [2, 0.5, 120],
    [4, 0, 150],
    [4, 1, 300],
    [2_000, 1, 300],
  ])('after attempt %i with the random number %f is %i', (attempts, random, expected) => {
    const { attempt } = open({ attempts }, {}, { ...PLAN, attempts: 5_000 });
    expect(new Retries({ random: () => random }).afterFailure(attempt, ERRORS.upstreamReset)).toBe(true);
    expect(attempt.pause).toBe(expected);
  });

  test('is 0 after a connection that was dead before its use, and without a retry of the route', () => {
    const [dead, refused] = [open({}, { reused: true }), open({}, {}, null)];
    expect(new Retries({ random: () => 1 }).afterFailure(dead.attempt, ERRORS.upstreamReset)).toBe(true);
    expect(new Retries({ random: () => 1 }).afterFailure(refused.attempt, ERRORS.upstreamConnectFailed)).toBe(true);
    expect([dead.attempt.pause, refused.attempt.pause]).toEqual([0, 0]);
  });

  test.each([
    ['seconds', ['retry-after', '1'], false, 1_000],
    ['less than the back-off', ['retry-after', '0'], false, 40],
    ['nothing that can be read', ['retry-after', 'soon'], false, 40],
    ['a date in the past', ['retry-after', 'Thu, 01 Jan 1970 00:00:00 GMT'], false, 40],
    ['milliseconds of gRPC', ['grpc-retry-pushback-ms', '700', 'retry-after', '9'], true, 700],
  ])('is as long as the backend asks for: %s', (_, headers, grpc, expected) => {
    const { attempt } = open({ grpc }, { headers });
    expect(new Retries({ random: () => 0 }).afterAnswer(attempt)).toBe(true);
    expect(attempt.pause).toBe(expected);
  });
});

describe('another attempt', () => {
  test('is counted and noted with its reason', () => {
    const { attempt, exchange, counts } = open();
    const retries = new Retries();
    retries.afterFailure(attempt, ERRORS.upstreamReset);
    retries.afterAnswer(attempt);
    expect([exchange.retryReasons, exchange.retryWithheld]).toEqual([['upstream_reset', '503'], '']);
    expect([...(counts.retries ?? [])]).toEqual([
      ['upstream_reset', 1],
      ['503', 1],
    ]);
  });

  test.each<[string, Partial<Exchange>, readonly string[], number, string]>([
    ['the body is gone', { requestLength: 9, requestBytes: 5, replay: null }, [], 0, 'body'],
    ['the backend asks for more', {}, ['retry-after', '3'], 0, 'retry_after'],
    ['the backend asks for none', { grpc: true }, ['grpc-retry-pushback-ms', '-1'], 0, 'retry_after'],
    ['the deadline passes before', {}, ['retry-after', '1'], 900, 'deadline'],
    ['the deadline of the caller passes before', { deadlineAt: performance.now() + 30 }, [], 0, 'deadline'],
  ])('is withheld if %s', (_, fields, headers, requestTimeout, obstacle) => {
    const { attempt, exchange, counts } = open(fields, { headers: [...headers] }, PLAN, requestTimeout);
    expect(new Retries().afterAnswer(attempt)).toBe(false);
    expect([exchange.retryReasons, exchange.retryWithheld, [...(counts.withheldRetries ?? [])]]).toEqual([null, obstacle, [[obstacle, 1]]]);
  });

  test('is withheld if the budget is spent, and takes nothing out of it if there is another obstacle', () => {
    const [spent, late] = [open(), open({}, { headers: ['retry-after', '3'] })];
    Object.assign(spent.budget, { take: () => false });
    const taken: unknown[] = [];
    Object.assign(late.budget, { take: () => taken.push(0) > 0 });
    expect([new Retries().afterAnswer(spent.attempt), new Retries().afterAnswer(late.attempt)]).toEqual([false, false]);
    expect([spent.exchange.retryWithheld, late.exchange.retryWithheld, taken]).toEqual(['budget', 'retry_after', []]);
  });

  test.each([
    ['after a failed connection needs no budget', ERRORS.upstreamConnectFailed, false, true],
    ['after a failed connection needs it if connections to all endpoints fail', ERRORS.upstreamConnectFailed, true, false],
    ['after a refused stream needs it', ERRORS.upstreamRefused, false, false],
    ['after a broken connection needs it', ERRORS.upstreamReset, false, false],
  ])('%s', (_, error, refusing, permitted) => {
    const { attempt, budget } = open();
    Object.assign(budget, { take: () => false });
    Object.assign(attempt.cluster, { refusing });
    expect(new Retries().afterFailure(attempt, error)).toBe(permitted);
  });

  test('with a kept body is permitted', () => {
    const { attempt } = open({ requestLength: 9, requestBytes: 5, replay: new KeptBody() });
    expect(new Retries().afterFailure(attempt, ERRORS.upstreamConnectFailed)).toBe(true);
  });
});
