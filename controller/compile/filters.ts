// Compiles the filters of a rule or a backend, and resolves their references.
import type { FieldError } from '#api/k8s/field-error.ts';
import type { ExternalAuth, HeaderFilter, HttpRouteFilter, PathModifier, RequestMirror } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import { resolveBackendRef, type RouteReferrer } from './backend-refs.ts';
import type { BackendObstacle } from './conditions.ts';
import type { View } from './view.ts';

/** A mirror with an unresolved reference is left out, an external authorisation lets nothing through; their obstacles are kept. */
export interface CompiledFilters {
  readonly filters: readonly ir.Filter[];
  readonly obstacles: readonly BackendObstacle[];
}

/** Compiles valid filters, in the user's order. `field` is the path of the list. */
export function compileFilters(view: View, from: RouteReferrer, filters: readonly HttpRouteFilter[], field: string): CompiledFilters {
  const compiled: ir.Filter[] = [];
  const obstacles: BackendObstacle[] = [];
  for (const [i, filter] of filters.entries()) {
    const { own, obstacle } = compileOne(view, from, filter, `${field}[${i}]`);
    if (own !== null) compiled.push(own);
    if (obstacle !== null) obstacles.push(obstacle);
  }
  return { filters: compiled, obstacles };
}

/** Filters that Weir does not support. They must not be skipped: their rule answers with an error. */
export function unsupportedFilters(filters: readonly HttpRouteFilter[], field: string): readonly FieldError[] {
  return filters.flatMap((filter, i) => {
    if (filter.type !== 'ExtensionRef') return [];
    const { group, kind, name } = filter.extensionRef ?? { group: '', kind: '', name: '' };
    return [{ field: `${field}[${i}].extensionRef`, reason: `${kind}/${name} of group "${group}" is not a supported filter` }];
  });
}

/** A compiled filter, and what is wrong with it. */
interface CompiledFilter {
  readonly own: ir.Filter | null;
  readonly obstacle: BackendObstacle | null;
}

function compileOne(view: View, from: RouteReferrer, filter: HttpRouteFilter, field: string): CompiledFilter {
  if (filter.externalAuth) return compileExternalAuth(view, from, filter.externalAuth, `${field}.externalAuth`);
  if (filter.requestMirror) return compileMirror(view, from, filter.requestMirror, `${field}.requestMirror`);
  return { own: compileFilter(filter), obstacle: null };
}

function compileFilter(filter: HttpRouteFilter): ir.Filter {
  if (filter.requestHeaderModifier) return { type: 'RequestHeaderModifier', headers: compileHeaders(filter.requestHeaderModifier) };
  if (filter.responseHeaderModifier) return { type: 'ResponseHeaderModifier', headers: compileHeaders(filter.responseHeaderModifier) };
  if (filter.requestRedirect) return compileRedirect(filter.requestRedirect);
  if (filter.urlRewrite) return compileRewrite(filter.urlRewrite);
  if (filter.cors) return compileCors(filter.cors);
  throw new Error(`filter ${filter.type} passed validation and is unknown here`);
}

/** If names differ only in case, the first entry counts, as in the Gateway API. */
function compileHeaders({ set, add, remove }: HeaderFilter): ir.HeaderModification {
  return { set: firstOfEachName(set), add: firstOfEachName(add), remove: [...new Set(remove.map((name) => name.toLowerCase()))] };
}

function firstOfEachName(headers: HeaderFilter['set']): ir.HeaderValue[] {
  const byName = new Map<string, ir.HeaderValue>();
  for (const { name, value } of headers) {
    const lower = name.toLowerCase();
    if (!byName.has(lower)) byName.set(lower, { name: lower, value });
  }
  return [...byName.values()];
}

function compileRedirect(redirect: NonNullable<HttpRouteFilter['requestRedirect']>): ir.RequestRedirect {
  return {
    type: 'RequestRedirect',
    scheme: redirect.scheme ?? null,
    hostname: redirect.hostname ?? null,
    path: compilePath(redirect.path),
    port: redirect.port ?? null,
    statusCode: redirect.statusCode as ir.RequestRedirect['statusCode'],
  };
}

function compileRewrite(rewrite: NonNullable<HttpRouteFilter['urlRewrite']>): ir.UrlRewrite {
  return { type: 'URLRewrite', hostname: rewrite.hostname ?? null, path: compilePath(rewrite.path) };
}

function compilePath(path: PathModifier | undefined): ir.PathModifier | null {
  if (path === undefined) return null;
  return { type: path.type, value: (path.type === 'ReplaceFullPath' ? path.replaceFullPath : path.replacePrefixMatch) ?? '' };
}

function compileMirror(view: View, from: RouteReferrer, mirror: RequestMirror, field: string): CompiledFilter {
  const { cluster, obstacle } = resolveBackendRef(view, from, mirror.backendRef, `${field}.backendRef`);
  if (cluster === null) return { own: null, obstacle };
  const { numerator, denominator } = mirror.fraction ?? { numerator: mirror.percent ?? 100, denominator: 100 };
  return { own: { type: 'RequestMirror', cluster, numerator, denominator }, obstacle: null };
}

function compileExternalAuth(view: View, from: RouteReferrer, auth: ExternalAuth, field: string): CompiledFilter {
  const { cluster, obstacle } = resolveBackendRef(view, from, auth.backendRef, `${field}.backendRef`);
  const lower = (names: readonly string[] = []): string[] => names.map((name) => name.toLowerCase());
  const service: ir.ExternalAuthService = {
    protocol: auth.protocol,
    cluster,
    path: auth.http?.path ?? '',
    requestHeaders: lower((auth.http ?? auth.grpc)?.allowedHeaders),
    responseHeaders: lower(auth.http?.allowedResponseHeaders),
    maxBodyBytes: auth.forwardBody?.maxSize ?? 0,
  };
  return { own: { type: 'ExternalAuth', service }, obstacle };
}

function compileCors(cors: NonNullable<HttpRouteFilter['cors']>): ir.Cors {
  const { allowOrigins, allowMethods, allowHeaders, exposeHeaders, allowCredentials, maxAge } = cors;
  return {
    type: 'CORS',
    allowOrigins: [...allowOrigins],
    allowMethods: [...allowMethods],
    allowHeaders: [...allowHeaders],
    exposeHeaders: [...exposeHeaders],
    allowCredentials,
    maxAge,
  };
}
