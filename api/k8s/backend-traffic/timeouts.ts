// BackendTrafficPolicy: how long backends may take.
import { duration, fieldName, group } from '../setting.ts';

export const timeouts = group('How long a backend may take. 0s is no timeout.', {
  request: duration('The whole of a request, all attempts included. timeouts.request of the rule wins.'),
  backendRequest: duration('One attempt. timeouts.backendRequest of the rule wins.'),
  requestHeader: fieldName(
    'The header in which a caller may ask for a shorter timeout than request, in milliseconds (1500) or as a duration (1s500ms). Backends get the remaining time in it.',
  ),
});
