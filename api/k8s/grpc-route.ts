// GRPCRoute: the destinations of gRPC calls, and changes on the way.
import { Type, type Static } from '#lib/typebox.ts';
import { HeaderFilter, RequestMirror } from './http-filter.ts';
import { HttpHeaderMatch } from './http-route.ts';
import { backendFields, LocalReference, ParentReference } from './reference.ts';
import { closed, DnsName, GATEWAY_GROUP, Hostname, objectOf, unsupported } from './schema.ts';
import { SessionPersistence } from './session-persistence.ts';

/**
 * A service with its package (`helloworld.Greeter`) and a method (`SayHello`); an absent one matches any. RegularExpression is RE2 syntax.
 */
export const GrpcMethodMatch = closed({
  type: Type.Enum(['Exact', 'RegularExpression'], { default: 'Exact' }),
  service: Type.Optional(Type.String({ maxLength: 1024 })),
  method: Type.Optional(Type.String({ maxLength: 1024 })),
});
export type GrpcMethodMatch = Static<typeof GrpcMethodMatch>;

export const GrpcRouteMatch = closed({
  method: Type.Optional(GrpcMethodMatch),
  headers: Type.Array(HttpHeaderMatch, { default: [], maxItems: 16 }),
});
export type GrpcRouteMatch = Static<typeof GrpcRouteMatch>;

/** One filter: the field named by `type` has its settings. GRPCRoutes have a subset of the filters of HTTPRoutes. */
export const GrpcRouteFilter = closed({
  type: Type.Enum(['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'ExtensionRef']),
  requestHeaderModifier: Type.Optional(HeaderFilter),
  responseHeaderModifier: Type.Optional(HeaderFilter),
  requestMirror: Type.Optional(RequestMirror),
  extensionRef: Type.Optional(LocalReference),
});
export type GrpcRouteFilter = Static<typeof GrpcRouteFilter>;

export const GrpcBackendRef = closed({
  ...backendFields,
  weight: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 1 }),
  filters: Type.Array(GrpcRouteFilter, { default: [], maxItems: 16 }),
});
export type GrpcBackendRef = Static<typeof GrpcBackendRef>;

export const GrpcRouteRule = closed({
  name: Type.Optional(DnsName),
  matches: Type.Array(GrpcRouteMatch, { default: [], maxItems: 64 }),
  filters: Type.Array(GrpcRouteFilter, { default: [], maxItems: 16 }),
  backendRefs: Type.Array(GrpcBackendRef, { default: [], maxItems: 16 }),
  sessionPersistence: Type.Optional(SessionPersistence),
});
export type GrpcRouteRule = Static<typeof GrpcRouteRule>;

export const GrpcRoute = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'GRPCRoute',
  closed({
    parentRefs: Type.Array(ParentReference, { default: [], maxItems: 32 }),
    hostnames: Type.Array(Hostname, { default: [], maxItems: 16 }),
    rules: Type.Array(GrpcRouteRule, { default: [], maxItems: 16 }),
    ...unsupported('useDefaultGateways'),
  }),
);
export type GrpcRoute = Static<typeof GrpcRoute>;
