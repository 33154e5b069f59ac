// The filters of an HTTPRoute rule or of one of its backends.
import { Type, type Static } from '#lib/typebox.ts';
import { BackendObjectReference, LocalReference } from './reference.ts';
import { closed, HeaderName, Port, PreciseHostname } from './schema.ts';

/** The methods of RFC 9110 and RFC 5789. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;

/** The methods that a match or a CORS filter may name. */
export const Method = Type.Enum([...METHODS]);

/** RFC 9110 field value: no control characters, no space at either end. */
const HeaderText = Type.String({
  minLength: 1,
  maxLength: 4096,
  pattern: '^[!-~\\u0080-\\uffff]+([\\t ]*[!-~\\u0080-\\uffff]+)*$',
  description: 'a header value without control characters or space at either end',
});

const Header = closed({ name: HeaderName, value: HeaderText });

export const HeaderFilter = closed({
  set: Type.Array(Header, { default: [], maxItems: 16 }),
  add: Type.Array(Header, { default: [], maxItems: 16 }),
  remove: Type.Array(HeaderName, { default: [], maxItems: 16, uniqueItems: true }),
});
export type HeaderFilter = Static<typeof HeaderFilter>;

export const PathModifier = closed({
  type: Type.Enum(['ReplaceFullPath', 'ReplacePrefixMatch']),
  replaceFullPath: Type.Optional(Type.String({ maxLength: 1024 })),
  replacePrefixMatch: Type.Optional(Type.String({ maxLength: 1024 })),
});
export type PathModifier = Static<typeof PathModifier>;

export const RequestRedirect = closed({
  scheme: Type.Optional(Type.Enum(['http', 'https'])),
  hostname: Type.Optional(PreciseHostname),
  path: Type.Optional(PathModifier),
  port: Type.Optional(Port),
  statusCode: Type.Enum([301, 302, 303, 307, 308], { default: 302 }),
});
export type RequestRedirect = Static<typeof RequestRedirect>;

export const UrlRewrite = closed({ hostname: Type.Optional(PreciseHostname), path: Type.Optional(PathModifier) });
export type UrlRewrite = Static<typeof UrlRewrite>;

/** Without percent and fraction every request is mirrored. */
export const RequestMirror = closed({
  backendRef: BackendObjectReference,
  percent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
  fraction: Type.Optional(closed({ numerator: Type.Integer({ minimum: 0 }), denominator: Type.Integer({ minimum: 1, default: 100 }) })),
});
export type RequestMirror = Static<typeof RequestMirror>;

export const Origin = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^\\*$|^https?://((\\*\\.)?([a-zA-Z0-9-]+\\.)*[a-zA-Z0-9-]+|\\*)(:[0-9]{1,5})?$',
  description: 'an origin like https://example.com, https://*.example.com or *',
});

export const Cors = closed({
  allowOrigins: Type.Array(Origin, { default: [], maxItems: 64, uniqueItems: true }),
  allowMethods: Type.Array(Type.Enum([...METHODS, '*']), { default: [], maxItems: 9, uniqueItems: true }),
  allowHeaders: Type.Array(HeaderName, { default: [], maxItems: 64, uniqueItems: true }),
  exposeHeaders: Type.Array(HeaderName, { default: [], maxItems: 64, uniqueItems: true }),
  allowCredentials: Type.Boolean({ default: false }),
  maxAge: Type.Integer({ minimum: 1, default: 5 }),
});
export type Cors = Static<typeof Cors>;

const AllowedHeaders = Type.Array(HeaderName, { default: [], maxItems: 64, uniqueItems: true });

/** GEP-1494. Without allowed headers: all over gRPC, and over HTTP the few that every service gets. */
export const ExternalAuth = closed({
  protocol: Type.Enum(['HTTP', 'GRPC']),
  backendRef: BackendObjectReference,
  grpc: Type.Optional(closed({ allowedHeaders: AllowedHeaders })),
  http: Type.Optional(
    closed({
      path: Type.String({ default: '', maxLength: 1024, pattern: "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})*$" }),
      allowedHeaders: AllowedHeaders,
      allowedResponseHeaders: AllowedHeaders,
    }),
  ),
  forwardBody: Type.Optional(closed({ maxSize: Type.Integer({ default: 0, minimum: 0, maximum: 65_535 }) })),
});
export type ExternalAuth = Static<typeof ExternalAuth>;

/** One filter: the field named by `type` has its settings. */
export const HttpRouteFilter = closed({
  type: Type.Enum([
    'RequestHeaderModifier',
    'ResponseHeaderModifier',
    'RequestMirror',
    'RequestRedirect',
    'URLRewrite',
    'ExtensionRef',
    'CORS',
    'ExternalAuth',
  ]),
  requestHeaderModifier: Type.Optional(HeaderFilter),
  responseHeaderModifier: Type.Optional(HeaderFilter),
  requestMirror: Type.Optional(RequestMirror),
  requestRedirect: Type.Optional(RequestRedirect),
  urlRewrite: Type.Optional(UrlRewrite),
  cors: Type.Optional(Cors),
  extensionRef: Type.Optional(LocalReference),
  externalAuth: Type.Optional(ExternalAuth),
});
export type HttpRouteFilter = Static<typeof HttpRouteFilter>;
