// The authenticator `signature`, and the names that it shares with `requestSigning`.
import { Type } from '#lib/typebox.ts';
import { choices, duration, flag, group, text } from '../setting.ts';
import { SIGNED_REQUESTS } from './signed-requests.ts';

/** The algorithms of RFC 9421. */
export const SIGNATURE_ALGORITHMS = [
  'hmac-sha256',
  'rsa-pss-sha512',
  'rsa-v1_5-sha256',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'ed25519',
] as const;

const NAME_OF_COMPONENT = "^(@(method|target-uri|authority|scheme|path|query)|[a-z0-9!#$%&'*+.^_`|~-]+)$";

/** Names of components without parameters. */
export function components(description: string) {
  const name = Type.String({
    maxLength: 256,
    pattern: NAME_OF_COMPONENT,
    '~must': 'the name of a header in lower case, or @method, @target-uri, @authority, @scheme, @path or @query',
  });
  return Type.Optional(Type.Array(name, { minItems: 1, maxItems: 16, description }));
}

/** The label of a signature: a key of a dictionary (RFC 9651). */
export function label(description: string) {
  return text(description, { maxLength: 64, form: '[a-z*][a-z0-9_.*-]*' });
}

export const signature = group('A signature of the request (RFC 9421) with a key of a Consumer in the namespace of the policy.', {
  label: label('The label of the signature. When absent, the request must have exactly one.'),
  components: components('The components that must be signed besides the method, the target and the digest of the body.'),
  algorithms: choices('The algorithms that are accepted. All but rsa-v1_5-sha256, when absent.', SIGNATURE_ALGORITHMS),
  maxAge: duration('The longest time since a signature was created.'),
  clockSkew: duration('How far the clocks of callers may differ.'),
  requireNonce: flag('A signature must have a nonce.'),
  ...SIGNED_REQUESTS,
});
