// The group `revocation` of a SecurityPolicy.
import { choice, group } from '../setting.ts';

export const revocation = group('What a revocation ends.', {
  openRequests: choice(
    'The requests under way and the open WebSockets of a Consumer whose credential is revoked or expires, or whose groups or plan change; of a client certificate that is revoked; of a user of a list who is removed or gets another password; and all that the rules of `authorization` have let through, when these change. Keep: they go on. Close: they end at once.',
    ['Keep', 'Close'],
  ),
});
