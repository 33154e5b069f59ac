// The named positions in the chain of filters, in the order of requests: where an extension may run before or after.

/** One name for each filter, everywhere: here, in proxy/filter/index.ts, in docs/reference/filters.md and in the output of `weir explain`. */
export const POSITIONS = [
  'threats',
  'grpcMethods',
  'grpcWeb',
  'compression',
  'events',
  'errorPages',
  'CORS',
  'ipAccess',
  'identityHeaders',
  'requestLimits',
  'earlyLimits',
  'authentication',
  'blockedCallers',
  'authorization',
  'csrf',
  'ExternalAuth',
  'limits',
  'decompression',
  'decodedLimits',
  'maintenance',
  'openapi',
  'directResponse',
  'hub',
  'RequestRedirect',
  'RequestHeaderModifier',
  'RequestMirror',
  'URLRewrite',
  'requestTransformation',
  'cache',
  'headersToBackend',
  'credentialInjection',
  'forwardedClientCert',
  'responseTransformation',
  'ResponseHeaderModifier',
  'securityHeaders',
  'cacheStorage',
] as const;

/** The name of a position. */
export type PositionName = (typeof POSITIONS)[number];
