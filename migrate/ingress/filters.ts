// Annotations that become filters of every rule, and settings of the route's BackendTrafficPolicy.
import type { InputObject } from '../input.ts';
import type { Filter } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { annotationField } from './annotations.ts';
import type { Annotations } from './annotations.ts';

const CORS_METHODS = 'GET, PUT, POST, DELETE, PATCH, OPTIONS';
const CORS_HEADERS = 'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization';
/** 20 days, the default of ingress-nginx. */
const CORS_MAX_AGE = 1_728_000;

/** Filters that all rules of an Ingress have. */
export function filtersOf(annotations: Annotations): Filter[] {
  return [...cors(annotations), ...hostRewrite(annotations), ...forwardedPrefix(annotations)];
}

function cors(annotations: Annotations): Filter[] {
  const names = ['origin', 'methods', 'headers'].map((name) => `cors-allow-${name}`);
  const lists = [
    annotations.list(names[0] ?? '', '*'),
    annotations.list(names[1] ?? '', CORS_METHODS),
    annotations.list(names[2] ?? '', CORS_HEADERS),
  ];
  const credentials = annotations.text('cors-allow-credentials') !== 'false';
  const exposeHeaders = annotations.list('cors-expose-headers');
  const maxAge = Number(annotations.text('cors-max-age') ?? CORS_MAX_AGE);
  if (!annotations.isTrue('enable-cors')) return [];
  const [allowOrigins, allowMethods, allowHeaders] = lists;
  const exposed = exposeHeaders.length > 0 ? { exposeHeaders } : {};
  return [{ type: 'CORS', cors: { allowOrigins, allowMethods, allowHeaders, ...exposed, allowCredentials: credentials, maxAge } }];
}

function hostRewrite(annotations: Annotations): Filter[] {
  const hostname = annotations.text('upstream-vhost');
  return hostname === undefined ? [] : [{ type: 'URLRewrite', urlRewrite: { hostname } }];
}

function forwardedPrefix(annotations: Annotations): Filter[] {
  const value = annotations.text('x-forwarded-prefix');
  return value === undefined
    ? []
    : [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X-Forwarded-Prefix', value }] } }];
}

/** URLRewrite may stand once in a rule: those of host and path become one. */
export function joinRewrites(filters: readonly Filter[]): Filter[] {
  const rewrites = filters.filter(({ type }) => type === 'URLRewrite');
  if (rewrites.length < 2) return [...filters];
  const joined = Object.assign({}, ...rewrites.map(({ urlRewrite }) => urlRewrite as object)) as object;
  return [...filters.filter(({ type }) => type !== 'URLRewrite'), { type: 'URLRewrite', urlRewrite: joined }];
}

/** A redirect that takes the place of backends; null where there is none. */
export function redirectOf(annotations: Annotations, object: InputObject, plan: Plan): Filter | null {
  for (const [name, status] of [
    ['permanent-redirect', '301'],
    ['temporal-redirect', '302'],
  ] as const) {
    const target = annotations.text(name);
    const statusCode = Number(annotations.text(`${name}-code`) ?? status);
    if (target === undefined) continue;
    const filter = redirectTo(target, statusCode);
    if (filter !== null) return filter;
    plan.leftOut(object, { field: annotationField(name), reason: `${JSON.stringify(target)} is not a URL without a query` });
  }
  return null;
}

function redirectTo(target: string, statusCode: number): Filter | null {
  const url = URL.canParse(target) ? new URL(target) : null;
  if (url === null || url.search !== '' || target.includes('$') || !['http:', 'https:'].includes(url.protocol)) return null;
  const port = url.port === '' ? {} : { port: Number(url.port) };
  const path = { type: 'ReplaceFullPath', replaceFullPath: url.pathname };
  return {
    type: 'RequestRedirect',
    requestRedirect: { scheme: url.protocol.slice(0, -1), hostname: url.hostname, ...port, path, statusCode },
  };
}

/** Settings of the BackendTrafficPolicy: protocol and retries. */
export function backendSettings(annotations: Annotations, object: InputObject, plan: Plan): Record<string, unknown> {
  return { ...protocolOf(annotations, object, plan), ...retriesOf(annotations) };
}

function protocolOf(annotations: Annotations, object: InputObject, plan: Plan): Record<string, unknown> {
  const protocol = annotations.text('backend-protocol')?.toUpperCase() ?? 'HTTP';
  const field = annotationField('backend-protocol');
  if (protocol === 'GRPC' || protocol === 'GRPCS') return { protocol: 'HTTP2' };
  if (!['HTTP', 'HTTPS', 'AUTO_HTTP'].includes(protocol)) plan.leftOut(object, { field, reason: `Weir does not speak ${protocol}` });
  return {};
}

function retriesOf(annotations: Annotations): Record<string, unknown> {
  const conditions = (annotations.text('proxy-next-upstream') ?? '').split(/\s+/);
  const tries = Number(annotations.text('proxy-next-upstream-tries') ?? 3);
  const codes = conditions.flatMap((condition) => /^http_([45][0-9]{2})$/.exec(condition)?.[1] ?? []).map(Number);
  return codes.length === 0 ? {} : { retry: { attempts: Math.max(0, tries - 1), codes } };
}
