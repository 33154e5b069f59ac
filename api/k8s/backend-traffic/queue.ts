// BackendTrafficPolicy: how requests wait for a connection to a backend.
import { duration, fieldName, group } from '../setting.ts';

export const queue = group(
  'How requests wait if every connection to their endpoint is taken. Important requests go first, and callers of the same priority take turns.',
  {
    timeout: duration('The longest wait; then the request is answered with 503. 0s is no limit.'),
    fairBy: group('The caller of a request. Absent: the client, by its address.', {
      header: fieldName('The header whose value names the caller. Requests without it have one turn together.'),
    }),
  },
);
