// The group `revocation` of a SecurityPolicy.
import { choice, group } from '../setting.ts';

export const revocation = group('The requests that a revocation ends.', {
  openRequests: choice(
    'The effect of a revocation on requests under way and open WebSockets of the caller. Keep: they go on. Close: they end at once. A revocation is: a credential of a Consumer ends, or its groups or plan change; a client certificate is revoked; a user of a list is removed or gets another password. A change of the rules of `authorization` ends all requests that the rules have let through.',
    ['Keep', 'Close'],
  ),
});
