// BackendTrafficPolicy: failures after which a request is sent again.
import { count, duration, group, numbers } from '../setting.ts';

export const retry = group('The failures after which a request is sent again. A rule with a retry of its own uses nothing of this.', {
  attempts: count('Attempts beyond the first. 0 is none.', { minimum: 0, maximum: 100 }),
  codes: numbers('Statuses of the backend that are tried again.', { minimum: 400, maximum: 599 }),
  grpcStatuses: numbers(
    'Statuses of gRPC calls that are tried again, by number, such as 14 for UNAVAILABLE, if no message came before the status.',
    { minimum: 1, maximum: 16 },
  ),
  backoff: duration('The pause before each further attempt.'),
});
