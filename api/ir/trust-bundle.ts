// CA certificates to verify clients or backends. They are a resource of their own, so that a rotation recompiles neither a listener nor a
// route.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import { originOfKey, type ResourceKindOf } from './resource-kind.ts';

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

export const trustBundleKind: ResourceKindOf<typeof TrustBundle> = {
  kind: 'TrustBundle',
  schema: TrustBundle,
  origin: originOfKey,
  hasStatus: false,
  references: { from: 'key', read: (key) => ({ names: [resourceId('TrustBundle', key)], needs: [] }) },
  additions: [],
};
