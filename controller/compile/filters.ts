// Compiles the filters of a rule or a backend, and resolves the references of mirrors.
import type { FieldError } from '#api/k8s/field-error.ts';
import type { HeaderFilter, HttpRouteFilter, PathModifier, RequestMirror } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import { resolveBackendRef, type RouteReferrer } from './backend-refs.ts';
import type { BackendObstacle } from './conditions.ts';
import type { View } from './view.ts';

/** A mirror with an unresolved reference is left out; its obstacle is kept. */
export interface CompiledFilters {
  readonly filters: readonly ir.Filter[];
  readonly obstacles: readonly BackendObstacle[];
}

/** Compiles valid filters, in the user's order. `field` is the path of the list. */
export function compileFilters(view: View, from: RouteReferrer, filters: readonly HttpRouteFilter[], field: string): CompiledFilters {
  const compiled: ir.Filter[] = [];
  const obstacles: BackendObstacle[] = [];
  for (const [i, filter] of filters.entries()) {
    const result = compileFilter(view, from, filter, `${field}[${i}]`);
    if ('type' in result) compiled.push(result);
    else obstacles.push(result);
  }
  return { filters: compiled, obstacles };
}

/** Filters that Weir does not support. They must not be skipped: their rule answers with an error. */
export function unsupportedFilters(filters: readonly HttpRouteFilter[], field: string): readonly FieldError[] {
  return filters.flatMap((filter, i) => {
    if (filter.type === 'ExternalAuth') return [{ field: `${field}[${i}]`, reason: 'filters of type ExternalAuth are not supported' }];
    if (filter.type !== 'ExtensionRef') return [];
    const { group, kind, name } = filter.extensionRef ?? { group: '', kind: '', name: '' };
    return [{ field: `${field}[${i}].extensionRef`, reason: `${kind}/${name} of group "${group}" is not a supported filter` }];
  });
}

function compileFilter(view: View, from: RouteReferrer, filter: HttpRouteFilter, field: string): ir.Filter | BackendObstacle {
  if (filter.requestHeaderModifier) return { type: 'RequestHeaderModifier', headers: compileHeaders(filter.requestHeaderModifier) };
  if (filter.responseHeaderModifier) return { type: 'ResponseHeaderModifier', headers: compileHeaders(filter.responseHeaderModifier) };
  if (filter.requestMirror) return compileMirror(view, from, filter.requestMirror, `${field}.requestMirror`);
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

function compileMirror(view: View, from: RouteReferrer, mirror: RequestMirror, field: string): ir.RequestMirror | BackendObstacle {
  const { cluster, obstacle } = resolveBackendRef(view, from, mirror.backendRef, `${field}.backendRef`);
  if (cluster === null) return obstacle;
  const { numerator, denominator } = mirror.fraction ?? { numerator: mirror.percent ?? 100, denominator: 100 };
  return { type: 'RequestMirror', cluster, numerator, denominator };
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
