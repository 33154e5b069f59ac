// The answers that an HTTPPolicy describes itself: the settings that all of them have.
import { Type } from '#lib/typebox.ts';
import { configMapKey } from '../policy-reference.ts';
import { choice, mediaType, text } from '../setting.ts';

/** The longest body in a policy itself, characters. Larger ones belong into a ConfigMap. */
const MAX_BODY = 16_384;

/** RFC 9110 section 5.5: no control characters, no space at either end. The API server knows no \u in patterns. */
const VALUE = '[^\\x00-\\x20\\x7f]([^\\x00-\\x08\\x0a-\\x1f\\x7f]*[^\\x00-\\x20\\x7f])?';

const header = Type.Object(
  {
    name: Type.String({
      maxLength: 256,
      pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
      description: 'The name of the header.',
      '~must': 'the name of a header',
    }),
    value: Type.String({
      maxLength: 4_096,
      pattern: `^${VALUE}$`,
      description: 'Its value.',
      '~must': 'a header value without control characters or space at either end',
    }),
  },
  { additionalProperties: false, description: 'One header.' },
);

const headers = Type.Optional(Type.Array(header, { maxItems: 16, description: 'Its headers besides Content-Type.' }));

/** The parts of an answer besides its status. */
export const answerParts = {
  contentType: mediaType('Its Content-Type.'),
  headers,
  body: text('Its body.', { maxLength: MAX_BODY }),
  bodyRef: configMapKey('The entry of a ConfigMap that is its body, instead of body. At most 1 MiB.'),
};

/** Whether such an answer is given. A group replaces that of a policy further away, so a nearer policy can turn it off. */
export const mode = choice('Disabled: no such answer. For the targets of a nearer policy.', ['Enabled', 'Disabled']);
