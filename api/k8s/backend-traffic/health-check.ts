// BackendTrafficPolicy: when endpoints count as ill, by the answers to requests.
import { count, duration, group, percent } from '../setting.ts';

const passive = group('Ejection of endpoints whose requests fail, also without a policy. A threshold of 0 is off.', {
  consecutive5xx: count('Failures in a row: answers with a status of 500 and above, and local errors.', { minimum: 0, maximum: 10_000 }),
  consecutiveGatewayErrors: count('Failures in a row: answers with 502, 503 or 504, and local errors.', { minimum: 0, maximum: 10_000 }),
  consecutiveLocalErrors: count('Local errors in a row: connections that fail or break, timeouts, and answers that are not valid.', {
    minimum: 0,
    maximum: 10_000,
  }),
  failureRatio: group('Ejection by the share of failures.', {
    percent: percent('The share of requests that fail. 0 is off.'),
    minRequests: count('Fewer requests within the interval say nothing.', { minimum: 1, maximum: 1_000_000 }),
  }),
  latency: group('Ejection by the time to the head of the answer, with at least three endpoints.', {
    factor: count('The mean of the endpoint as a multiple of the median of the endpoints of the backend. 0 is off.', {
      minimum: 0,
      maximum: 1_000,
    }),
    minRequests: count('Fewer answers within the interval say nothing.', { minimum: 1, maximum: 1_000_000 }),
  }),
  interval: duration('The time over which failureRatio and latency measure: between one and two intervals.'),
  baseEjectionTime: duration('The length of the first ejection. Each further one is longer by it. 0s ejects nothing.'),
  maxEjectionTime: duration('The greatest length of an ejection.'),
  maxEjectionPercent: percent('The share of endpoints that ejections may take out of use: at least one, never all. 0 ejects nothing.'),
});

export const healthCheck = group('When endpoints count as ill and get no requests while others are left.', { passive });
