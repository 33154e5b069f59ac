// Settings about the claims of tokens, for all authenticators of tokens.
import { Type } from '#lib/typebox.ts';

/** A list of texts, such as audiences or scopes. */
export function texts(description: string) {
  return Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1_024 }), { minItems: 1, maxItems: 32, description }));
}

/** Claims that a token must have. */
export const requiredClaims = Type.Optional(
  Type.Array(
    Type.Object(
      {
        name: Type.String({ minLength: 1, maxLength: 256, description: 'The name of the claim.' }),
        values: texts('It must be one of them, or a list with one of them.'),
      },
      { additionalProperties: false, description: 'One claim.' },
    ),
    { minItems: 1, maxItems: 16, description: 'Claims that a token must have.' },
  ),
);
