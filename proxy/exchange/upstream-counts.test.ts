// Counts of attempts by backend, by endpoint, and by `other` above the maximum.
import { expect, test } from '@jest/globals';
import type { Attempt } from './attempt.ts';
import { ERRORS } from './errors.ts';
import type { UpstreamEndpoint } from './plan.ts';
import { UpstreamCounts } from './upstream-counts.ts';

const ENDPOINTS = [1, 2, 3].map((port) => ({ address: '10.0.0.1', port }) as UpstreamEndpoint);

function attemptAt(endpoint: UpstreamEndpoint | undefined, fields: Partial<Attempt> = {}): Attempt {
  return { endpoint, status: 0, waitingSince: 0, sentAt: 0, headAt: 0, ...fields } as Attempt;
}

test('an answer counts by its class and time, and a wait for a connection counts', () => {
  const backend = new UpstreamCounts(10).acquire('app');
  backend.keep(new Set(ENDPOINTS));
  backend.attemptEnded(attemptAt(ENDPOINTS[0], { status: 204, sentAt: 100, headAt: 130 }), 'answered', null);
  backend.attemptEnded(attemptAt(ENDPOINTS[0], { status: 503, waitingSince: 90, sentAt: 100, headAt: 110 }), 'declined', null);
  backend.attemptEnded(attemptAt(ENDPOINTS[0], { waitingSince: 90 }), 'failed', ERRORS.upstreamConnectFailed);
  const counts = backend.endpoints.get(ENDPOINTS[0] as UpstreamEndpoint);
  expect(counts?.byOutcome).toEqual({ answered: 1, declined: 1, abandoned: 0, failed: 1 });
  expect([counts?.byClass[2], counts?.byClass[5], counts?.firstByte.sum, counts?.firstByte.total]).toEqual([1, 1, 40, 2]);
  expect(counts?.failures).toEqual(new Map([['upstream_connect_failed', 1]]));
  expect([backend.firstByte.total, backend.queue.total]).toEqual([2, 1]);
});

test('a deadline that passed before the answer is a failure of the endpoint', () => {
  const backend = new UpstreamCounts(10).acquire('app');
  backend.keep(new Set(ENDPOINTS));
  backend.attemptEnded(attemptAt(ENDPOINTS[0], { timedOut: true }), 'abandoned', null);
  backend.attemptEnded(attemptAt(ENDPOINTS[0], { timedOut: false }), 'abandoned', null);
  const counts = backend.endpoints.get(ENDPOINTS[0] as UpstreamEndpoint);
  expect(counts?.byOutcome.abandoned).toBe(2);
  expect(counts?.failures).toEqual(new Map([['upstream_timeout', 1]]));
});

test('endpoints above the maximum share one place, and removed endpoints free theirs', () => {
  const backend = new UpstreamCounts(2).acquire('app');
  backend.keep(new Set(ENDPOINTS));
  for (const endpoint of ENDPOINTS) backend.connectFailed(endpoint);
  expect([backend.endpoints.size, backend.others.connectFailures]).toEqual([2, 1]);
  backend.keep(new Set(ENDPOINTS.slice(1)));
  backend.connectFailed(ENDPOINTS[2] as UpstreamEndpoint);
  expect([...backend.endpoints.keys()]).toEqual(ENDPOINTS.slice(1));
});

test('a removed endpoint takes no place', () => {
  const backend = new UpstreamCounts(2).acquire('app');
  backend.attemptEnded(attemptAt(ENDPOINTS[0]), 'abandoned', null);
  expect([backend.endpoints.size, backend.others.byOutcome.abandoned]).toEqual([0, 1]);
});

test('backends above the maximum share one', () => {
  const counts = new UpstreamCounts(1);
  const [one, two, three] = ['one', 'two', 'three'].map((key) => counts.acquire(key));
  expect([one?.backend, two?.backend, two === three]).toEqual(['one', 'other', true]);
  if (one !== undefined) counts.release(one);
  expect(counts.acquire('four').backend).toBe('four');
});
