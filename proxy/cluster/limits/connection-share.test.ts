// The share of a worker in the connections of a policy.
import { expect, test } from '@jest/globals';
import { connectionShare } from './connection-share.ts';

test('divides the numbers for an endpoint by the workers, rounded up, and nothing else', () => {
  expect(connectionShare({ maxConnections: 10, maxPending: 0, maxRequests: 7, idleTimeout: 50 }, 4)).toEqual({
    maxConnections: 3,
    maxPending: 0,
    maxRequests: 7,
    idleTimeout: 50,
  });
  expect(connectionShare({ maxStreams: 9 }, 4)).toEqual({ maxStreams: 9 });
});
