// The authenticator `hmac`: signatures in the older form that Kong and draft-cavage have.
import { Type } from '#lib/typebox.ts';
import { choices, duration, group } from '../setting.ts';
import { SIGNED_REQUESTS } from './signed-requests.ts';

const header = Type.String({
  maxLength: 256,
  pattern: "^[a-z0-9!#$%&'*+.^_`|~-]+$",
  '~must': 'the name of a header in lower case',
});

export const hmac = group(
  'An HMAC signature in Authorization, in the form of Kong and of draft-cavage-http-signatures, with a secret of a Consumer in the namespace of the policy.',
  {
    headers: Type.Optional(
      Type.Array(header, {
        minItems: 1,
        maxItems: 16,
        description: 'The headers that must be signed besides the target, the host, a date and the digest of the body.',
      }),
    ),
    algorithms: choices('The algorithms that are accepted. All of them, when absent.', ['hmac-sha256', 'hmac-sha384', 'hmac-sha512']),
    clockSkew: duration('How far the signed date may be away.'),
    ...SIGNED_REQUESTS,
  },
);
