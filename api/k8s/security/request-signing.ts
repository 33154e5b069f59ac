// The setting `requestSigning` of a SecurityPolicy.
import { Type } from '#lib/typebox.ts';
import { requiredSecretKey } from '../policy-reference.ts';
import { choice, duration, flag, size } from '../setting.ts';
import { label } from './signature.ts';

/** No @scheme and @target-uri: whether the backend gets TLS is decided after the signature. */
const component = Type.String({
  maxLength: 256,
  pattern: "^(@(method|authority|path|query)|[a-z0-9!#$%&'*+.^_`|~-]+)$",
  '~must': 'the name of a header in lower case, or @method, @authority, @path or @query',
});

export const requestSigning = Type.Optional(
  Type.Object(
    {
      key: requiredSecretKey('The entry with the key: a private key in PEM, or else the bytes of a shared secret, at least 16.'),
      keyId: Type.String({
        minLength: 1,
        maxLength: 256,
        pattern: '^[ -~]+$',
        description: 'The name of the key in signatures.',
        '~must': 'printable ASCII characters',
      }),
      algorithm: choice('The algorithm. When absent, that of the key; a key that is for another one signs nothing.', [
        'hmac-sha256',
        'ed25519',
        'ecdsa-p256-sha256',
        'ecdsa-p384-sha384',
        'rsa-pss-sha512',
      ]),
      components: Type.Optional(
        Type.Array(component, {
          minItems: 1,
          maxItems: 16,
          description: 'The parts that are signed besides the digest of the body. Headers that a request lacks are left out.',
        }),
      ),
      label: label('The label of the signature.'),
      expiresAfter: duration('The time after which the signature says that it has expired.'),
      maxBodyBytes: size('The largest body. It is read before the backend gets any of it, and larger ones get 413.', {
        minimum: 0,
        maximum: 67_108_864,
      }),
      omitBody: flag('The body is not signed, and not held.'),
    },
    {
      additionalProperties: false,
      description: 'Requests to backends are signed (RFC 9421). A nearer policy replaces all of it.',
      '~whole': true,
    },
  ),
);
