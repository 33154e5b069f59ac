// HTTPRoute: the destinations of requests, and changes on the way.
import { Type, type Static } from '#lib/typebox.ts';
import { HttpRouteFilter, Method } from './http-filter.ts';
import { backendFields, ParentReference } from './reference.ts';
import { closed, DnsName, Duration, GATEWAY_GROUP, HeaderName, Hostname, objectOf, unsupported } from './schema.ts';
import { SessionPersistence } from './session-persistence.ts';

export const HttpPathMatch = closed(
  {
    type: Type.Enum(['Exact', 'PathPrefix', 'RegularExpression'], { default: 'PathPrefix' }),
    value: Type.String({ maxLength: 1024, default: '/' }),
  },
  { default: {} },
);
export type HttpPathMatch = Static<typeof HttpPathMatch>;

const ValueMatchType = Type.Enum(['Exact', 'RegularExpression'], { default: 'Exact' });

export const HttpHeaderMatch = closed({
  type: ValueMatchType,
  name: HeaderName,
  value: Type.String({ minLength: 1, maxLength: 4096 }),
});
export type HttpHeaderMatch = Static<typeof HttpHeaderMatch>;

export const HttpQueryParamMatch = closed({
  type: ValueMatchType,
  name: HeaderName,
  value: Type.String({ minLength: 1, maxLength: 1024 }),
});
export type HttpQueryParamMatch = Static<typeof HttpQueryParamMatch>;

export const HttpRouteMatch = closed({
  path: HttpPathMatch,
  method: Type.Optional(Method),
  headers: Type.Array(HttpHeaderMatch, { default: [], maxItems: 16 }),
  queryParams: Type.Array(HttpQueryParamMatch, { default: [], maxItems: 16 }),
});
export type HttpRouteMatch = Static<typeof HttpRouteMatch>;

export const HttpBackendRef = closed({
  ...backendFields,
  weight: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 1 }),
  filters: Type.Array(HttpRouteFilter, { default: [], maxItems: 16 }),
});
export type HttpBackendRef = Static<typeof HttpBackendRef>;

export const HttpRouteRetry = closed({
  codes: Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), { default: [], uniqueItems: true }),
  attempts: Type.Optional(Type.Integer({ minimum: 1 })),
  backoff: Type.Optional(Duration),
});
export type HttpRouteRetry = Static<typeof HttpRouteRetry>;

export const HttpRouteTimeouts = closed({ request: Type.Optional(Duration), backendRequest: Type.Optional(Duration) });
export type HttpRouteTimeouts = Static<typeof HttpRouteTimeouts>;

export const HttpRouteRule = closed({
  name: Type.Optional(DnsName),
  matches: Type.Array(HttpRouteMatch, { default: [{}], maxItems: 64 }),
  filters: Type.Array(HttpRouteFilter, { default: [], maxItems: 16 }),
  backendRefs: Type.Array(HttpBackendRef, { default: [], maxItems: 16 }),
  timeouts: Type.Optional(HttpRouteTimeouts),
  retry: Type.Optional(HttpRouteRetry),
  sessionPersistence: Type.Optional(SessionPersistence),
});
export type HttpRouteRule = Static<typeof HttpRouteRule>;

export const HttpRoute = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'HTTPRoute',
  closed({
    parentRefs: Type.Array(ParentReference, { default: [], maxItems: 32 }),
    hostnames: Type.Array(Hostname, { default: [], maxItems: 16 }),
    rules: Type.Array(HttpRouteRule, { default: [{}], minItems: 1, maxItems: 16 }),
    ...unsupported('useDefaultGateways'),
  }),
);
export type HttpRoute = Static<typeof HttpRoute>;
