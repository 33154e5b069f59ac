// BackendTrafficPolicy: limits of the requests to a backend.
import { count, group } from '../setting.ts';

const LIMIT = { minimum: 0, maximum: 1_000_000 };

export const circuitBreaker = group(
  'Limits of the requests to a backend. Requests beyond a limit are answered with 503 overloaded at once. The limits are those of one proxy; its workers share them. 0 is no limit.',
  {
    maxConnections: count('Connections that carry requests, to all endpoints together. Further requests wait.', LIMIT),
    maxPendingRequests: count('Requests that wait because maxConnections is reached.', LIMIT),
    maxParallelRequests: count('Requests under way or waiting.', LIMIT),
    maxParallelRetries: count('Attempts under way beyond the first of their request. Further failures are not repeated.', LIMIT),
    perEndpoint: group('The limits of each endpoint.', {
      maxParallelRequests: count('Requests under way at one endpoint. Further requests go to others, if these have room.', LIMIT),
    }),
  },
);
