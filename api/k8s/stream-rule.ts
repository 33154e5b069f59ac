// The only rule of a TCPRoute, TLSRoute or UDPRoute: the destinations of connections or datagrams.
import { Type, type Static } from '#lib/typebox.ts';
import { backendFields } from './reference.ts';
import { closed, DnsName } from './schema.ts';

export const StreamBackendRef = closed({
  ...backendFields,
  weight: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 1 }),
});
export type StreamBackendRef = Static<typeof StreamBackendRef>;

export const StreamRouteRule = closed({
  name: Type.Optional(DnsName),
  backendRefs: Type.Array(StreamBackendRef, { minItems: 1, maxItems: 16 }),
});
export type StreamRouteRule = Static<typeof StreamRouteRule>;
