// BackendTrafficPolicy: the connections that carry requests to endpoints.
import { count, duration, group } from '../setting.ts';

const LIMIT = { minimum: 0, maximum: 1_000_000 };

export const connectionPool = group(
  'The connections to the endpoints of a backend. They belong to the endpoint, and requests of all rules use them; each request keeps the limits of its own rule.',
  {
    perEndpoint: group('The limits for each endpoint, of one proxy; its workers share them. 0 is no limit.', {
      maxConnections: count('Connections to the endpoint from which on requests open no further one, but wait for one.', LIMIT),
      maxPendingRequests: count(
        'Requests that wait for a connection to the endpoint, from which on further ones are answered with 503 overloaded.',
        LIMIT,
      ),
    }),
    maxRequestsPerConnection: count('Requests that one connection carries before it is closed. 0 is no limit.', LIMIT),
    maxConcurrentStreams: count(
      'Requests that one HTTP/2 connection carries at the same time, if the endpoint allows as many. Further requests open another one.',
      { minimum: 1, maximum: 1_000_000 },
    ),
    idleTimeout: duration('The time without requests after which a connection is closed. 0s is never.'),
    connectTimeout: duration('The time for a connection, TLS included. 0s is no limit.'),
  },
);
