// The group `threats` of a SecurityPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, count, duration, group, ranges, whole } from '../setting.ts';

const THRESHOLD = { minimum: 1, maximum: 1_000 };

export const threats = whole(
  'Finds sources (addresses of clients; of IPv6 the /64) and authenticated callers whose requests look like an attack, and blocks them for a time. A nearer policy replaces all fields.',
  {
    window: duration('The time in which the requests of a source or caller count together, from its first refused request on.'),
    authenticationFailures: count('Requests with wrong credentials, by 401.', THRESHOLD),
    userNames: count('Different user names with wrong passwords in Basic credentials.', THRESHOLD),
    accessDenials: count('Requests that may not be made, by 403.', THRESHOLD),
    missingPaths: count('Different paths that do not exist, by 404.', THRESHOLD),
    malformedRequests: count('Requests that are no valid HTTP, by 400, at any listener of the proxy.', THRESHOLD),
    limited: count('Requests beyond a limit, by 429.', THRESHOLD),
    action: choice('The consequence for a source or caller that reaches one of the numbers: it is blocked, or only logged.', [
      'Block',
      'Log',
    ]),
    block: duration('The length of the first block. Each further one is twice as long.'),
    maxBlock: duration('The longest block. A source that behaves for as long after a block begins anew.'),
    scope: choice('Where a block holds: at all proxies of the fleet, or only at the proxy that has seen the requests.', ['Fleet', 'Proxy']),
    exempt: group('Requests that do not count and are not blocked.', {
      addresses: ranges('Addresses of clients.'),
      consumers: Type.Optional(
        Type.Array(Type.String({ minLength: 3, maxLength: 317 }), {
          maxItems: 256,
          description: 'Consumers, as NAMESPACE/NAME: their requests do not count.',
        }),
      ),
    }),
  },
);
