// ListenerSet: adds listeners of another owner to a Gateway (GEP-1713).
import { Type, type Static } from '#lib/typebox.ts';
import { Listener } from './gateway.ts';
import { closed, DnsLabel, DnsName, GATEWAY_GROUP, Group, Kind, objectOf } from './schema.ts';

/** The Gateway that serves the listeners. Absent namespace: that of the set. */
export const ParentGatewayReference = closed({
  group: Type.String({ ...Group, default: GATEWAY_GROUP }),
  kind: Type.String({ ...Kind, default: 'Gateway' }),
  namespace: Type.Optional(DnsLabel),
  name: DnsName,
});

export const ListenerSet = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'ListenerSet',
  closed({ parentRef: ParentGatewayReference, listeners: Type.Array(Listener, { minItems: 1, maxItems: 64 }) }),
);
export type ListenerSet = Static<typeof ListenerSet>;
