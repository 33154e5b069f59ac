// The setting `credentialInjection` of a SecurityPolicy.
import { Type } from '#lib/typebox.ts';
import { requiredSecretKey, secretKey } from '../policy-reference.ts';
import { fieldName, text } from '../setting.ts';

function named(name: ReturnType<typeof text>, description: string) {
  const value = requiredSecretKey('The entry with the value.');
  return Type.Optional({ ...Type.Required(Type.Object({ name, value })), additionalProperties: false, description });
}

const credential = Type.Object(
  {
    bearer: secretKey('A token, in Authorization with the scheme Bearer.'),
    basic: secretKey('A user and a password as user:password, in Authorization with the scheme Basic.'),
    header: named(fieldName('The name of the header.'), 'A header with this value.'),
    query: named(
      text('The name of the parameter.', { maxLength: 256, form: '[^\\s;,=&"\\\\]+' }),
      'A query parameter with this value; logs of backends may show it.',
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    description: 'One credential.',
    '~must': 'exactly one of bearer, basic, header and query',
  },
);

export const credentialInjection = Type.Optional(
  Type.Array(credential, {
    maxItems: 8,
    description: 'Credentials for the backend, from Secrets. They replace those of the client.',
  }),
);
