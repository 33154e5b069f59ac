// BackendTrafficPolicy: circuit breakers and limits.
import { choice, count, duration, group } from '../setting.ts';

const PERCENT = { minimum: 0, maximum: 100 };
const LIMIT = { minimum: 0, maximum: 1_000_000 };

export const circuitBreaker = group(
  'Limits of the requests to a backend, and a breaker that stops them while it fails. Beyond a limit requests are answered with 503 overloaded at once; while the breaker is open, with 503 circuit_open. Limits are those of one proxy; its workers share them. 0 is no limit.',
  {
    maxConnections: count('Connections that carry requests, to all endpoints together. Further requests wait.', LIMIT),
    maxPendingRequests: count('Requests that wait because maxConnections or the adaptive limit is reached.', LIMIT),
    maxParallelRequests: count('Requests under way or waiting.', LIMIT),
    maxParallelRetries: count('Attempts under way beyond the first of their request. Further failures are not repeated.', LIMIT),
    perEndpoint: group('The limits of each endpoint.', {
      maxParallelRequests: count('Requests under way at one endpoint. Further requests go to others, if these have room.', LIMIT),
    }),
    adaptive: group('A limit of the requests without an answer yet that follows the latency of the backend. Any field turns it on.', {
      minRequests: count('The lowest limit, and the first one.', { minimum: 1, maximum: 1_000_000 }),
      maxRequests: count('The highest limit. 0 turns the adaptive limit off.', LIMIT),
      tolerancePercent: count('The rise of the latency above that of low load at which the limit begins to shrink.', {
        minimum: 1,
        maximum: 1_000,
      }),
    }),
    scope: choice('The target that the breaker stops requests to: the whole Backend, or one Endpoint of it, while the others are used.', [
      'Backend',
      'Endpoint',
    ]),
    consecutiveFailures: count('Failures in a row that open the breaker. 0 is never.', LIMIT),
    failurePercent: count('The share of failed requests in the window that opens the breaker. 0 is never.', PERCENT),
    slowPercent: count('The share of slow requests in the window that opens the breaker. 0 is never.', PERCENT),
    slowAfter: duration('The time to the head of an answer from which a request counts as slow. 0s: no request is slow.'),
    minRequests: count('The number of requests in the window from which the percentages count.', { minimum: 1, maximum: 1_000_000 }),
    window: duration('The time over which the percentages are computed. Less than 10ms counts as 10ms.'),
    openFor: duration('How long an open breaker stops all requests. After that some requests pass on trial.'),
    halfOpenRequests: count('Requests that pass on trial at the same time.', { minimum: 1, maximum: 10_000 }),
    successThreshold: count('Requests on trial that must succeed until the breaker closes. A failure opens it again.', {
      minimum: 1,
      maximum: 10_000,
    }),
  },
);
