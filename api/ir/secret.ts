// Key material a listener terminates TLS with. A resource of its own, so that rotation recompiles no route.
import { Type, type Static } from 'typebox';

/**
 * A kubernetes.io/tls Secret. Key: `<namespace>/<name>`. Both values are PEM, or both are '' where the controller knows no pair that can
 * be used: a proxy that has one goes on with it.
 */
export const Secret = Type.Object(
  {
    kind: Type.Literal('Secret'),
    key: Type.String({ minLength: 1 }),
    certificate: Type.String(),
    privateKey: Type.String(),
    /** What is wrong with the pair that the Secret holds now: "holds no PEM certificate in tls.crt". Absent: nothing. */
    problem: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
export type Secret = Static<typeof Secret>;
