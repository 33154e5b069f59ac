// Entries of Secrets and ConfigMaps that policies refer to, such as keys and passwords. They are a resource of their own, so that a change
// of an entry recompiles no policy.
import { Type, type Static } from '#lib/typebox.ts';
import { resourceId } from './resource-id.ts';
import { originOfKey, type ResourceKindOf } from './resource-kind.ts';

/** Key: `Secret/<namespace>/<name>` or `ConfigMap/<namespace>/<name>`. */
export const ObjectData = Type.Object(
  {
    kind: Type.Literal('ObjectData'),
    key: Type.String({ minLength: 1 }),
    /** The entries that a policy refers to, base64 by name. An entry that the object lacks is absent. */
    data: Type.Record(Type.String(), Type.String()),
  },
  { additionalProperties: false },
);
export type ObjectData = Static<typeof ObjectData>;

export const objectDataKind: ResourceKindOf<typeof ObjectData> = {
  kind: 'ObjectData',
  schema: ObjectData,
  origin: originOfKey,
  hasStatus: false,
  references: { from: 'key', read: (key) => ({ names: [resourceId('ObjectData', key)], needs: [] }) },
  // A proxy without it knows no policy that refers to entries.
  additions: [{ capability: 'object-data', path: '', otherwise: 'remove' }],
};
