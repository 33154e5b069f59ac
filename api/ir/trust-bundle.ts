// Certificates of authorities that somebody's peers are checked against. A resource of its own, so that their rotation
// recompiles neither a listener nor a route.
import { Type, type Static } from 'typebox';

/** The `ca.crt` of a ConfigMap or Secret, PEM. Key: `ConfigMap/<namespace>/<name>` or `Secret/<namespace>/<name>`. */
export const TrustBundle = Type.Object(
  {
    kind: Type.Literal('TrustBundle'),
    key: Type.String({ minLength: 1 }),
    certificates: Type.String({ minLength: 1 }),
  },
  { additionalProperties: false },
);
export type TrustBundle = Static<typeof TrustBundle>;
