// Failed attempts that are repeated, and the pause before.
import { describe, expect, test } from '@jest/globals';
import { Attempt } from '../exchange/attempt.ts';
import { KeptBody } from '../exchange/kept-body.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { RetryPlan } from '../exchange/plan.ts';
import { mayRetryFailure, mayRetryStatus, retryPause } from './retry.ts';

const POLICY: RetryPlan = { codes: [503], grpcStatuses: [14], attempts: 3, backoff: 40 };
const REFUSED = Object.values(ERRORS).find(({ retriable }) => retriable) as ExchangeError;

/** An attempt of an exchange with a chosen backend; by default the first, of a GET without a body. */
function attempt(fields: Partial<Exchange> = {}, of: Partial<Attempt> = {}, retry: RetryPlan | null = null): Attempt {
  const exchange = Object.assign(new Exchange({} as never, {} as never, 0), { method: 'GET', attempts: 1, phase: 'picked', ...fields });
  exchange.route = { retry } as never;
  return Object.assign(new Attempt(exchange, {} as never, {} as never, {} as never), of);
}

describe('a failure before any byte reached the backend', () => {
  test.each([
    [1, true],
    [2, true],
    [3, false],
  ])('of attempt %i is repeated: %s', (attempts, repeated) => {
    expect(mayRetryFailure(attempt({ attempts }), REFUSED)).toBe(repeated);
  });

  test('is repeated as often as the route allows, if that is more', () => {
    expect(mayRetryFailure(attempt({ attempts: 3 }, {}, POLICY), REFUSED)).toBe(true);
    expect(mayRetryFailure(attempt({ attempts: 4 }, {}, POLICY), REFUSED)).toBe(false);
  });

  test('is not repeated after the start of the answer, or if the body cannot be sent again', () => {
    expect(mayRetryFailure(attempt({ phase: 'answering' as never }), REFUSED)).toBe(false);
    expect(mayRetryFailure(attempt({ requestLength: 9, requestBytes: 5, replay: null }), REFUSED)).toBe(false);
    expect(mayRetryFailure(attempt({ requestLength: 9, requestBytes: 5, replay: new KeptBody() }), REFUSED)).toBe(true);
  });
});

describe('a connection that breaks', () => {
  test('is repeated once if it was kept and the method is idempotent', () => {
    expect(mayRetryFailure(attempt({}, { reused: true }), ERRORS.upstreamReset)).toBe(true);
    expect(mayRetryFailure(attempt({}, { reused: false }), ERRORS.upstreamReset)).toBe(false);
    expect(mayRetryFailure(attempt({ method: 'POST' }, { reused: true }), ERRORS.upstreamReset)).toBe(false);
  });

  test('is repeated for all methods if the route sets it', () => {
    expect(mayRetryFailure(attempt({ method: 'POST' }, {}, POLICY), ERRORS.upstreamReset)).toBe(true);
  });
});

test('a timeout is repeated only if the route sets it', () => {
  expect(mayRetryFailure(attempt(), ERRORS.upstreamTimeout)).toBe(false);
  expect(mayRetryFailure(attempt({}, {}, POLICY), ERRORS.upstreamTimeout)).toBe(true);
});

test('the pause is that of the route, and 0 after a connection that was dead before its use', () => {
  expect(retryPause(attempt({}, {}, POLICY))).toBe(40);
  expect(retryPause(attempt({}, { reused: true }, POLICY))).toBe(0);
  expect(retryPause(attempt())).toBe(0);
});

describe('an answer', () => {
  test('is declined by its status as often as the route allows', () => {
    expect(mayRetryStatus(attempt({}, { status: 503 }, POLICY))).toBe(true);
    expect(mayRetryStatus(attempt({}, { status: 502 }, POLICY))).toBe(false);
    expect(mayRetryStatus(attempt({}, { status: 503 }))).toBe(false);
    expect(mayRetryStatus(attempt({ attempts: 4 }, { status: 503 }, POLICY))).toBe(false);
  });

  test('of a call is declined by its gRPC status, if the answer has nothing else', () => {
    const headers = ['content-type', 'application/grpc', 'grpc-status', '14'];
    expect(mayRetryStatus(attempt({ grpc: true }, { status: 200, headers }, POLICY))).toBe(true);
    expect(mayRetryStatus(attempt({ grpc: true }, { status: 200, headers: headers.slice(0, 2) }, POLICY))).toBe(false);
    expect(mayRetryStatus(attempt({ grpc: false }, { status: 200, headers }, POLICY))).toBe(false);
  });
});
