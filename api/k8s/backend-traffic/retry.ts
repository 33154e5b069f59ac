// BackendTrafficPolicy: failures after which a request is sent again.
import { choices, count, duration, group, numbers } from '../setting.ts';

export const retry = group(
  'The failures after which a request is sent again. attempts, codes and backoff of a rule with a retry of its own win over those here.',
  {
    attempts: count('Attempts beyond the first. 0 is none.', { minimum: 0, maximum: 100 }),
    triggers: choices(
      'Failures that are tried again, for every method: no connection to the endpoint, a connection that breaks before the answer, a stream that the endpoint refuses before it reads it, an attempt that takes too long, the statuses 502, 503 and 504, and any status from 500 to 599.',
      ['connect-failure', 'reset', 'refused-stream', 'timeout', 'gateway-error', '5xx'],
    ),
    codes: numbers('Statuses of the backend that are tried again, for every method.', { minimum: 400, maximum: 599 }),
    grpcStatuses: numbers(
      'Statuses of gRPC calls that are tried again, by number, such as 14 for UNAVAILABLE, if no message came before the status.',
      { minimum: 1, maximum: 16 },
    ),
    backoff: duration('The least pause before another attempt. It doubles with each attempt, and a random part is added.'),
    maxBackoff: duration('The longest pause that grows out of backoff.'),
    maxRetryAfter: duration(
      'The longest pause that a backend may ask for with Retry-After or grpc-retry-pushback-ms. If it asks for more, its answer is passed on. 0s passes on every such answer.',
    ),
    budget: group(
      'The most attempts beyond the first, hedges included, for all requests of a proxy to the backend together. If it is spent, failures are passed on. Attempts after a failed connection do not count while other endpoints can be connected to.',
      {
        percent: count('Their number as a share of the requests of the interval.', { minimum: 0, maximum: 100 }),
        minRetriesPerSecond: count('Attempts that are allowed in each second even if that is more than the share.', {
          minimum: 0,
          maximum: 1_000_000,
        }),
        interval: duration('The time in which requests and attempts are counted, up to 1h, in seconds; above 1m in minutes.'),
      },
    ),
  },
);
