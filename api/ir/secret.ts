// Key material a listener terminates TLS with. A resource of its own, so that rotation recompiles no route.
import { Type, type Static } from 'typebox';

/** A kubernetes.io/tls Secret. Key: `<namespace>/<name>`. Both values are PEM. */
export const Secret = Type.Object(
  {
    kind: Type.Literal('Secret'),
    key: Type.String({ minLength: 1 }),
    certificate: Type.String({ minLength: 1 }),
    privateKey: Type.String({ minLength: 1 }),
  },
  { additionalProperties: false },
);
export type Secret = Static<typeof Secret>;
