// BackendTrafficPolicy: faults that the proxy adds on purpose, to show how clients cope with them.
import { count, duration, fieldName, group, percent } from '../setting.ts';

export const faultInjection = group(
  'Faults that the proxy adds on purpose before a request goes to the backend, to show how clients cope with them. The access log and a metric mark them.',
  {
    header: fieldName('Faults are for requests with this header only, whatever its value. Absent: for all requests.'),
    delay: group('Some requests wait before they go to the backend. The wait counts for timeouts.request.', {
      percent: percent('The share of requests that wait.'),
      fixed: duration('How long they wait. 0s is no wait.'),
    }),
    abort: group('Some requests are answered with an error in place of the answer of the backend, after their wait, if they have one.', {
      percent: percent('The share of requests that are answered so.'),
      status: count('The status of the answer to requests other than gRPC calls.', { minimum: 400, maximum: 599 }),
      grpcStatus: count('The status of the answer to gRPC calls, such as 14 for UNAVAILABLE.', { minimum: 1, maximum: 16 }),
    }),
  },
);
