// TLSRoute: the destinations of the connections of a TLS listener, by server name.
import { Type, type Static } from '#lib/typebox.ts';
import { ParentReference } from './reference.ts';
import { closed, GATEWAY_GROUP, Hostname, objectOf, unsupported } from './schema.ts';
import { StreamRouteRule } from './stream-rule.ts';

export const TlsRoute = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'TLSRoute',
  closed({
    parentRefs: Type.Array(ParentReference, { default: [], maxItems: 32 }),
    hostnames: Type.Array(Hostname, { minItems: 1, maxItems: 1024 }),
    rules: Type.Array(StreamRouteRule, { minItems: 1, maxItems: 1 }),
    ...unsupported('useDefaultGateways'),
  }),
);
export type TlsRoute = Static<typeof TlsRoute>;
