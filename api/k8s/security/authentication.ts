// The group `authentication` of a SecurityPolicy: a tree of authenticators.
import { Type, type TProperties } from '#lib/typebox.ts';
import { apiKey } from './api-key.ts';
import { basic } from './basic.ts';
import { certificate } from './certificate.ts';
import { oidc } from './oidc.ts';
import { hmac } from './hmac.ts';
import { signature } from './signature.ts';
import { introspection } from './introspection.ts';
import { jwt } from './jwt.ts';
import { external } from './external.ts';

const MAX_MEMBERS = 8;

/** The authenticators, in the order of the documentation. Each has one entry in proxy/filter/authentication/index.ts. */
const AUTHENTICATORS = { apiKey, basic, certificate, signature, hmac, oidc, jwt, introspection, external };

const ANY_OF = 'The request passes if one of these accepts it: the first in the order of the list.';
const ALL_OF = 'The request passes if all of these accept it. The first says which caller it is; groups and claims are those of all.';

/** Exactly one of the fields is set. */
function oneOf<P extends TProperties>(fields: P, description: string, keywords: object = {}) {
  return Type.Object(fields, {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    description,
    ...keywords,
    '~must': `exactly one of ${Object.keys(fields).join(', ')}`,
  });
}

function members<P extends TProperties>(fields: P, description: string) {
  return Type.Optional(
    Type.Array(oneOf(fields, 'One authenticator, or a list of them.', { '~like': 'authentication' }), {
      minItems: 1,
      maxItems: MAX_MEMBERS,
      description,
    }),
  );
}

/** Authenticators of a list, and lists of the other kind within it. */
const IN_ANY_OF = { ...AUTHENTICATORS, allOf: members(AUTHENTICATORS, ALL_OF) };
const IN_ALL_OF = { ...AUTHENTICATORS, anyOf: members(AUTHENTICATORS, ANY_OF) };

const FIELDS = { ...AUTHENTICATORS, anyOf: members(IN_ANY_OF, ANY_OF), allOf: members(IN_ALL_OF, ALL_OF) };

export const authentication = Type.Optional(
  oneOf(
    FIELDS,
    'How callers prove their identity; other requests are answered with 401. One authenticator, or a list. A nearer policy replaces all of it.',
    { '~whole': true },
  ),
);
