// The authenticator `hmac`: signatures in the older form that Kong and draft-cavage have.
import { Type } from 'typebox';
import { choice, choices, duration, flag, group, size } from '../setting.ts';

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
    allowReplays: flag('The same signature is accepted several times. Otherwise once.'),
    replayStore: choice(
      'Where accepted signatures are remembered. Local: in each proxy, until it restarts. Redis: for all proxies with the same Redis; while it does not answer, signed requests get 503.',
      ['Local', 'Redis'],
    ),
    maxBodyBytes: size('The largest body of a signed request. It is read before the backend gets any of it.', {
      minimum: 0,
      maximum: 67_108_864,
    }),
    forward: flag('The backend gets the signature too. Otherwise it is removed.'),
  },
);
