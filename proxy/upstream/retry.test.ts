// Failures and answers that are worth another attempt.
import { describe, expect, test } from '@jest/globals';
import { Attempt } from '../exchange/attempt.ts';
import { ERRORS, withDetail } from '../exchange/errors.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { RetryPlan } from '../exchange/plan.ts';
import { isAnswerWorthRetry, isFailureWorthRetry } from './retry.ts';

const BY_DEFAULT: RetryPlan = {
  attempts: 3,
  connect: true,
  refused: true,
  reset: 'idempotent',
  timeout: 'idempotent',
  codes: [],
  safeCodes: [502, 503, 504],
  serverErrors: false,
  grpcStatuses: [],
  ...{ backoff: 40, maxBackoff: 400, maxRetryAfter: 2_000 },
};
const NAMED: RetryPlan = { ...BY_DEFAULT, reset: 'all', timeout: 'none', codes: [503], safeCodes: [], grpcStatuses: [14] };
const UNREACHABLE = withDetail(ERRORS.upstreamConnectFailed, 'ECONNREFUSED');

/** An attempt of an exchange with a chosen backend; by default the first, of a GET without a body. */
function attempt(fields: Partial<Exchange> = {}, of: Partial<Attempt> = {}, retry: RetryPlan | null = null): Attempt {
  const exchange = Object.assign(new Exchange({} as never, {} as never, 0), { method: 'GET', phase: 'picked', ...fields });
  exchange.route = { retry } as never;
  // The attempt counts itself.
  exchange.attempts = (fields.attempts ?? 1) - 1;
  return Object.assign(new Attempt(exchange, {} as never, {} as never, {} as never), of);
}

describe('a failure before any byte reached the backend', () => {
  test.each([
    [1, true],
    [2, true],
    [3, false],
  ])('of attempt %i is worth another: %s', (attempts, worth) => {
    expect(isFailureWorthRetry(attempt({ attempts }), UNREACHABLE)).toBe(worth);
  });

  test('is worth as many as the route allows, if that is more', () => {
    expect(isFailureWorthRetry(attempt({ attempts: 3 }, {}, BY_DEFAULT), UNREACHABLE)).toBe(true);
    expect(isFailureWorthRetry(attempt({ attempts: 4 }, {}, BY_DEFAULT), UNREACHABLE)).toBe(false);
  });

  test('is worth only the safe attempts if the triggers of the route do not name it', () => {
    const unnamed = { ...BY_DEFAULT, connect: false };
    expect(isFailureWorthRetry(attempt({ attempts: 2 }, {}, unnamed), UNREACHABLE)).toBe(true);
    expect(isFailureWorthRetry(attempt({ attempts: 3 }, {}, unnamed), UNREACHABLE)).toBe(false);
    expect(isFailureWorthRetry(attempt({ attempts: 3 }, {}, unnamed), ERRORS.upstreamRefused)).toBe(true);
    expect(isFailureWorthRetry(attempt({ attempts: 3 }, {}, { ...BY_DEFAULT, refused: false }), ERRORS.upstreamRefused)).toBe(false);
  });

  test('is worth none after the start of the answer', () => {
    expect(isFailureWorthRetry(attempt({ phase: 'answering' as never }), UNREACHABLE)).toBe(false);
  });
});

describe('a connection that breaks', () => {
  test('is worth another attempt if it was kept and the method is idempotent', () => {
    expect(isFailureWorthRetry(attempt({}, { reused: true }), ERRORS.upstreamReset)).toBe(true);
    expect(isFailureWorthRetry(attempt({}, { reused: false }), ERRORS.upstreamReset)).toBe(false);
    expect(isFailureWorthRetry(attempt({ method: 'POST' }, { reused: true }), ERRORS.upstreamReset)).toBe(false);
  });

  test('is worth those of the route: of idempotent methods, or of all if the route names it', () => {
    expect(isFailureWorthRetry(attempt({}, {}, BY_DEFAULT), ERRORS.upstreamReset)).toBe(true);
    expect(isFailureWorthRetry(attempt({ method: 'POST' }, {}, BY_DEFAULT), ERRORS.upstreamReset)).toBe(false);
    expect(isFailureWorthRetry(attempt({ method: 'POST' }, {}, NAMED), ERRORS.upstreamReset)).toBe(true);
    expect(isFailureWorthRetry(attempt({}, {}, { ...NAMED, reset: 'none' }), ERRORS.upstreamReset)).toBe(false);
  });

  test('of a call is worth them if the route names the status that the caller would get', () => {
    const call = { method: 'POST', grpc: true };
    expect(isFailureWorthRetry(attempt(call, {}, { ...NAMED, reset: 'none' }), ERRORS.upstreamReset)).toBe(true);
    expect(isFailureWorthRetry(attempt(call, {}, NAMED), ERRORS.upstreamTimeout)).toBe(false);
  });
});

test('a timeout is worth another attempt only if the route says so', () => {
  expect(isFailureWorthRetry(attempt(), ERRORS.upstreamTimeout)).toBe(false);
  expect(isFailureWorthRetry(attempt({}, {}, BY_DEFAULT), ERRORS.upstreamTimeout)).toBe(true);
  expect(isFailureWorthRetry(attempt({ method: 'POST' }, {}, BY_DEFAULT), ERRORS.upstreamTimeout)).toBe(false);
  expect(isFailureWorthRetry(attempt({}, {}, NAMED), ERRORS.upstreamTimeout)).toBe(false);
});

describe('an answer', () => {
  test.each<[string, Partial<RetryPlan>, string, number, boolean]>([
    ['without statuses', {}, 'GET', 503, true],
    ['without statuses', {}, 'GET', 500, false],
    ['without statuses', {}, 'POST', 503, false],
    ['with statuses', { codes: [500], safeCodes: [] }, 'POST', 500, true],
    ['with statuses', { codes: [500], safeCodes: [] }, 'GET', 503, false],
    ['for all server errors', { serverErrors: true, safeCodes: [] }, 'POST', 507, true],
    ['for all server errors', { serverErrors: true, safeCodes: [] }, 'GET', 429, false],
  ])('is worth another attempt by its status: a route %s %j, %s, %i: %s', (_, fields, method, status, worth) => {
    expect(isAnswerWorthRetry(attempt({ method }, { status }, { ...BY_DEFAULT, ...fields }))).toBe(worth);
  });

  test('is worth none without a route that says so, and no more than it says', () => {
    expect(isAnswerWorthRetry(attempt({}, { status: 503 }))).toBe(false);
    expect(isAnswerWorthRetry(attempt({ attempts: 4 }, { status: 503 }, NAMED))).toBe(false);
  });

  test('of a call is worth one by its gRPC status, if the answer has nothing else', () => {
    const headers = ['content-type', 'application/grpc', 'grpc-status', '14'];
    expect(isAnswerWorthRetry(attempt({ grpc: true }, { status: 200, headers }, NAMED))).toBe(true);
    expect(isAnswerWorthRetry(attempt({ grpc: true }, { status: 200, headers: headers.slice(0, 2) }, NAMED))).toBe(false);
    expect(isAnswerWorthRetry(attempt({ grpc: false }, { status: 200, headers }, NAMED))).toBe(false);
  });
});
