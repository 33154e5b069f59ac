// The group `ipAccess` of a SecurityPolicy.
import { ranges, whole } from '../setting.ts';

const MAX_RANGES = 1_024;

export const ipAccess = whole(
  'The addresses that requests may come from: that of the client behind trusted proxies, or else of the peer. Others are answered with 403. A nearer policy replaces both lists.',
  {
    allow: ranges('The addresses that are allowed. Every address, when empty or absent.', MAX_RANGES),
    deny: ranges('The addresses that are refused, also if they are in allow.', MAX_RANGES),
  },
);
