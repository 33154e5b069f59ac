// The setting `headersToBackend` of a SecurityPolicy.
import { Type } from '#lib/typebox.ts';
import { expression, fieldName } from '../setting.ts';

const header = Type.Required(
  Type.Object({ name: fieldName('The name of the header.'), value: expression('Its value, such as principal.id.', 'string') }),
);

export const headersToBackend = Type.Optional(
  Type.Array(
    { ...header, additionalProperties: false, description: 'One header.' },
    {
      maxItems: 32,
      description:
        'Headers that tell the backend about the caller; their values are expressions. Such headers of clients are removed. A header whose expression has no value is left out.',
    },
  ),
);
