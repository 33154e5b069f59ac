// UDPRoute: the destinations of the datagrams of a UDP listener.
import { Type, type Static } from '#lib/typebox.ts';
import { ParentReference } from './reference.ts';
import { closed, GATEWAY_GROUP, objectOf, unsupported } from './schema.ts';
import { StreamRouteRule } from './stream-rule.ts';

export const UdpRoute = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'UDPRoute',
  closed({
    parentRefs: Type.Array(ParentReference, { default: [], maxItems: 32 }),
    rules: Type.Array(StreamRouteRule, { minItems: 1, maxItems: 1 }),
    ...unsupported('useDefaultGateways'),
  }),
);
export type UdpRoute = Static<typeof UdpRoute>;
