// Filters of a route rule or of a backend, as in the Gateway API, with references resolved and defaults applied.
import { Type, type Static } from '#lib/typebox.ts';

/** A header to write. The name is lower case. */
export const HeaderValue = Type.Object({ name: Type.String({ minLength: 1 }), value: Type.String() }, { additionalProperties: false });
export type HeaderValue = Static<typeof HeaderValue>;

/** `set` replaces, `add` appends, `remove` deletes, in this order. Names are lower case. */
export const HeaderModification = Type.Object(
  { set: Type.Array(HeaderValue), add: Type.Array(HeaderValue), remove: Type.Array(Type.String()) },
  { additionalProperties: false },
);
export type HeaderModification = Static<typeof HeaderModification>;

/** How a redirect or rewrite changes the path. `ReplacePrefixMatch` replaces the part that the rule's PathPrefix matches. */
export const PathModifier = Type.Object(
  { type: Type.Union([Type.Literal('ReplaceFullPath'), Type.Literal('ReplacePrefixMatch')]), value: Type.String() },
  { additionalProperties: false },
);
export type PathModifier = Static<typeof PathModifier>;

export const RequestHeaderModifier = Type.Object(
  { type: Type.Literal('RequestHeaderModifier'), headers: HeaderModification },
  { additionalProperties: false },
);
export type RequestHeaderModifier = Static<typeof RequestHeaderModifier>;

export const ResponseHeaderModifier = Type.Object(
  { type: Type.Literal('ResponseHeaderModifier'), headers: HeaderModification },
  { additionalProperties: false },
);
export type ResponseHeaderModifier = Static<typeof ResponseHeaderModifier>;

/**
 * A null scheme, hostname or path keeps that of the request. A null port is the default of the new scheme, or the port of the listener if
 * the scheme is kept.
 */
export const RequestRedirect = Type.Object(
  {
    type: Type.Literal('RequestRedirect'),
    scheme: Type.Union([Type.Literal('http'), Type.Literal('https'), Type.Null()]),
    hostname: Type.Union([Type.String(), Type.Null()]),
    path: Type.Union([PathModifier, Type.Null()]),
    port: Type.Union([Type.Integer({ minimum: 1, maximum: 65535 }), Type.Null()]),
    statusCode: Type.Union([Type.Literal(301), Type.Literal(302), Type.Literal(303), Type.Literal(307), Type.Literal(308)]),
  },
  { additionalProperties: false },
);
export type RequestRedirect = Static<typeof RequestRedirect>;

export const UrlRewrite = Type.Object(
  {
    type: Type.Literal('URLRewrite'),
    hostname: Type.Union([Type.String(), Type.Null()]),
    path: Type.Union([PathModifier, Type.Null()]),
  },
  { additionalProperties: false },
);
export type UrlRewrite = Static<typeof UrlRewrite>;

/** Copies numerator/denominator of the requests to a cluster and discards the answers. */
export const RequestMirror = Type.Object(
  {
    type: Type.Literal('RequestMirror'),
    cluster: Type.String(),
    numerator: Type.Integer({ minimum: 0 }),
    denominator: Type.Integer({ minimum: 1 }),
  },
  { additionalProperties: false },
);
export type RequestMirror = Static<typeof RequestMirror>;

/** GEP-1767. Origins are exact (`https://a.b`), with a wildcard (`https://*.b`), or `*`. maxAge in seconds. */
export const Cors = Type.Object(
  {
    type: Type.Literal('CORS'),
    allowOrigins: Type.Array(Type.String()),
    allowMethods: Type.Array(Type.String()),
    allowHeaders: Type.Array(Type.String()),
    exposeHeaders: Type.Array(Type.String()),
    allowCredentials: Type.Boolean(),
    maxAge: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type Cors = Static<typeof Cors>;

/** How to ask a service. Names are lower case; without `responseHeaders`, the backend gets all. A null cluster: no request may pass. */
const ExternalAuthService = Type.Object(
  {
    protocol: Type.Union([Type.Literal('HTTP'), Type.Literal('GRPC')]),
    cluster: Type.Union([Type.String(), Type.Null()]),
    path: Type.String(),
    requestHeaders: Type.Array(Type.String()),
    responseHeaders: Type.Array(Type.String()),
    /** 0: the service does not get the body. */
    maxBodyBytes: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type ExternalAuthService = Static<typeof ExternalAuthService>;

/** GEP-1494. */
export const ExternalAuth = Type.Object(
  { type: Type.Literal('ExternalAuth'), service: ExternalAuthService },
  { additionalProperties: false },
);
export type ExternalAuth = Static<typeof ExternalAuth>;

export const Filter = Type.Union([
  RequestHeaderModifier,
  ResponseHeaderModifier,
  RequestRedirect,
  UrlRewrite,
  RequestMirror,
  Cors,
  ExternalAuth,
]);
export type Filter = Static<typeof Filter>;

/** The clusters that a filter of each type refers to. */
const CLUSTERS: { readonly [T in Filter['type']]: (filter: Extract<Filter, { readonly type: T }>) => readonly string[] } = {
  RequestHeaderModifier: () => [],
  ResponseHeaderModifier: () => [],
  RequestRedirect: () => [],
  URLRewrite: () => [],
  RequestMirror: ({ cluster }) => [cluster],
  CORS: () => [],
  ExternalAuth: ({ service: { cluster } }) => (cluster === null ? [] : [cluster]),
};

/** The clusters that filters refer to; a cluster may occur more than once. */
export function clustersOfFilters(filters: readonly Filter[]): readonly string[] {
  return filters.flatMap((filter) => (CLUSTERS[filter.type] as (filter: Filter) => readonly string[])(filter));
}
