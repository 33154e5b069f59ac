// The places of a request where a credential may be.
import { Type } from '#lib/typebox.ts';
import { fieldName, text } from '../setting.ts';

/** The name of a cookie (RFC 6265) or of a query parameter. */
function name(description: string) {
  return text(description, { maxLength: 256, form: '[^\\s;,=&"\\\\]+' });
}

const source = Type.Object(
  {
    header: fieldName('The value of this header.'),
    prefix: text('The text before the credential in the header, such as Bearer; without regard to case. A value without it is none.', {
      maxLength: 64,
      form: '[!-~]([ -~]*[!-~])?',
    }),
    query: name('The first value of this query parameter, decoded.'),
    cookie: name('The value of this cookie.'),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'One place.',
    'x-kubernetes-validations': [
      {
        rule: '[has(self.header), has(self.query), has(self.cookie)].filter(x, x).size() == 1 && (!has(self.prefix) || has(self.header))',
        message: 'must have exactly one of header, query and cookie, and prefix only with header',
      },
    ],
  },
);

/** A list of places, in the order in which they are read. */
export function credentialSources(description: string) {
  return Type.Optional(Type.Array(source, { minItems: 1, maxItems: 8, description }));
}
