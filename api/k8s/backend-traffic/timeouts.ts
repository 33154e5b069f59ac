// BackendTrafficPolicy: how long backends may take.
import { duration, group } from '../setting.ts';

export const timeouts = group('How long a backend may take. 0s is no timeout.', {
  request: duration('The whole of a request, all attempts included. timeouts.request of the rule wins.'),
  backendRequest: duration('One attempt. timeouts.backendRequest of the rule wins.'),
});
