// Lines of requests that ended lately: which are kept, found again, and forgotten.
import { describe, expect, test } from '@jest/globals';
import { parseFilter } from '#api/access-log/filter.ts';
import { DEFAULT_FORMAT } from '#api/access-log/format.ts';
import { ERRORS } from '../../exchange/errors.ts';
import { Exchange } from '../../exchange/exchange.ts';
import { RecentRequests } from './recent-requests.ts';
import type { RecentOptions, RecentQuestion } from './recent-requests.ts';

const CONNECTION = {
  remoteAddress: '192.0.2.1',
  remotePort: 1,
  localAddress: '',
  localPort: 80,
  protocol: 'http/1.1',
  tls: null,
} as const;
const HOUR = 60 * 60_000;
const ALL: RecentQuestion = { filter: null, ageMs: HOUR, id: '', top: 1_000 };

function exchangeOf(fields: Partial<Exchange>): Exchange {
  return Object.assign(new Exchange(CONNECTION, {} as never, 0), { method: 'GET', requestedPath: '/', status: 503, ...fields });
}

/** With a clock. */
function rig(options: Partial<RecentOptions> = {}) {
  const state = { now: 10 * HOUR };
  const recent = new RecentRequests({ format: DEFAULT_FORMAT, maxBytes: 1_000_000, all: false, now: () => state.now, ...options });
  const paths = (question: Partial<RecentQuestion> = {}): readonly unknown[] =>
    recent.list({ ...ALL, ...question }).lines.map(({ line }) => (JSON.parse(line) as { path: string }).path);
  return { state, recent, paths };
}

function filterOf(text: string): RecentQuestion['filter'] {
  const filter = parseFilter(text);
  if (!filter.ok) throw new Error(filter.error);
  return filter.value;
}

describe('lines', () => {
  test('are found by the id of the request, its trace, a filter and their age', () => {
    const { state, recent, paths } = rig();
    const trace = '0af7651916cd43dd8448eb211c80319c';
    recent.failed(exchangeOf({ requestedPath: '/a', requestHeaders: ['x-request-id', 'r-1'] }), 1);
    state.now += 60_000;
    recent.failed(exchangeOf({ requestedPath: '/b', status: 500, requestHeaders: ['traceparent', `00-${trace}-b7ad6b7169203331-01`] }), 1);
    recent.failed(exchangeOf({ requestedPath: '/c', requestId: 'r-3', error: ERRORS.upstreamReset }), 1);
    expect(paths()).toEqual(['/c', '/b', '/a']);
    expect(paths({ id: 'r-1' })).toEqual(['/a']);
    expect(paths({ id: trace })).toEqual(['/b']);
    expect(paths({ id: 'r' })).toEqual([]);
    expect(paths({ filter: filterOf('status=500 or error') })).toEqual(['/c', '/b']);
    expect(paths({ ageMs: 59_000 })).toEqual(['/c', '/b']);
    expect(recent.list({ ...ALL, top: 2 }).more).toBe(1);
  });

  test('have the caller by name only, and no secret', () => {
    const { recent } = rig();
    const principal = { id: 'alice', consumer: 'shop/app', method: 'jwt', claims: { secret: 'hunter2' } } as never;
    recent.failed(exchangeOf({ principal, requestedPath: '/users/alice@example.com' }), 1);
    const { lines } = recent.list({ ...ALL, filter: filterOf('principal=shop/app') });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.line).not.toMatch(/alice@example|hunter2/);
  });
});

describe('bounds', () => {
  test('of the bytes: the oldest lines go', () => {
    const { recent, paths } = rig({ all: true, maxBytes: 20_000 });
    for (let index = 0; index < 5_000; index++) recent.ended(exchangeOf({ requestedPath: `/${index}` }), 1);
    expect(paths()[0]).toBe('/4999');
    expect(paths().length).toBeGreaterThan(10);
    expect(paths().length).toBeLessThan(80);
  });

  test('of one line that is larger than all: nothing is kept', () => {
    const { recent, paths } = rig({ maxBytes: 1 });
    recent.failed(exchangeOf({}), 1);
    expect(paths()).toEqual([]);
  });

  test('of the age: an hour', () => {
    const { state, recent, paths } = rig();
    recent.failed(exchangeOf({ requestedPath: '/old' }), 1);
    state.now += HOUR + 1;
    expect(paths({ ageMs: 10 * HOUR })).toEqual([]);
    recent.failed(exchangeOf({ requestedPath: '/new' }), 1);
    expect(paths()).toEqual(['/new']);
  });

  test('of the rate: a flood of failures costs few lines', () => {
    const { recent, paths } = rig();
    for (let index = 0; index < 2_000; index++) recent.failed(exchangeOf({ requestHeaders: ['x-request-id', 'x'.repeat(8_000)] }), 1);
    expect(paths().length).toBeGreaterThanOrEqual(100);
    expect(paths().length).toBeLessThan(1_000);
  });
});

test('all requests are kept once, also failed ones', () => {
  const { recent, paths } = rig({ all: true });
  const exchange = exchangeOf({ requestedPath: '/a' });
  recent.failed(exchange, 1);
  recent.ended(exchange, 1);
  expect(paths()).toEqual(['/a']);
});
