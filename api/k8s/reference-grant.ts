// ReferenceGrant: the owner of a namespace allows references from other namespaces to its objects.
import { Type, type Static } from '#lib/typebox.ts';
import { closed, DnsLabel, DnsName, GATEWAY_GROUP, Group, Kind, objectOf } from './schema.ts';

export const ReferenceGrant = objectOf(
  `${GATEWAY_GROUP}/v1beta1`,
  'ReferenceGrant',
  closed({
    from: Type.Array(closed({ group: Group, kind: Kind, namespace: DnsLabel }), { minItems: 1, maxItems: 16 }),
    /** Absent name: every object of the kind. */
    to: Type.Array(closed({ group: Group, kind: Kind, name: Type.Optional(DnsName) }), { minItems: 1, maxItems: 16 }),
  }),
);
export type ReferenceGrant = Static<typeof ReferenceGrant>;
