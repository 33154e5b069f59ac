// The group `csrf` of a SecurityPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, pageOrigins, whole } from '../setting.ts';

const MAX_ENTRIES = 64;

const Path = Type.String({ minLength: 1, maxLength: 1_024, pattern: '^/', '~form': 'path' });

export const csrf = whole(
  'Requests that pages of other sites make in browsers are refused with 403, except GET, HEAD and OPTIONS, which must change nothing. WebSockets are checked too. A nearer policy replaces all fields.',
  {
    allowedOrigins: pageOrigins(
      'Other origins whose pages may make such requests, such as https://app.example.com or https://*.example.com.',
    ),
    exemptPaths: Type.Optional(
      Type.Array(Path, {
        maxItems: MAX_ENTRIES,
        description: 'Paths that are not checked, with all paths below them, such as those that other services call.',
      }),
    ),
    withoutOrigin: choice('The handling of a request that does not tell which page makes it: browsers always tell, other clients do not.', [
      'Refuse',
      'Pass',
    ]),
    mode: choice('DryRun: every request passes; metrics tell what Enforce, the default, would refuse.', ['Enforce', 'DryRun']),
  },
);
