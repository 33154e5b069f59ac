// The middleware `headers` of Traefik > header modifiers and CORS.
import type { Fields } from '../fields.ts';
import type { Filter } from '../manifest.ts';

interface Header {
  readonly name: string;
  readonly value: string;
}

/** Every filter that the settings come to. */
export function headerFilters(settings: Fields): Filter[] {
  const request = modifier(settings.textMap('customRequestHeaders'), []);
  const response = modifier(settings.textMap('customResponseHeaders'), securityHeaders(settings));
  return [
    ...corsOf(settings),
    ...(request === null ? [] : [{ type: 'RequestHeaderModifier', requestHeaderModifier: request }]),
    ...(response === null ? [] : [{ type: 'ResponseHeaderModifier', responseHeaderModifier: response }]),
  ];
}

/** An empty value removes a header. */
function modifier(headers: Readonly<Record<string, string>>, more: readonly Header[]): Record<string, unknown> | null {
  const entries = Object.entries(headers);
  const set = [...entries.filter(([, value]) => value !== '').map(([name, value]) => ({ name, value })), ...more];
  const remove = entries.filter(([, value]) => value === '').map(([name]) => name);
  if (set.length + remove.length === 0) return null;
  return { ...(set.length > 0 ? { set } : {}), ...(remove.length > 0 ? { remove } : {}) };
}

/** Headers that Traefik has settings of their own for. */
function securityHeaders(settings: Fields): Header[] {
  const texts = [
    ['customFrameOptionsValue', 'X-Frame-Options'],
    ['contentSecurityPolicy', 'Content-Security-Policy'],
    ['referrerPolicy', 'Referrer-Policy'],
    ['permissionsPolicy', 'Permissions-Policy'],
  ] as const;
  const flags = [
    ['frameDeny', 'X-Frame-Options', 'DENY'],
    ['contentTypeNosniff', 'X-Content-Type-Options', 'nosniff'],
    ['browserXssFilter', 'X-XSS-Protection', '1; mode=block'],
  ] as const;
  const given = texts.flatMap(([field, name]) => {
    const value = settings.text(field);
    return value === undefined ? [] : [{ name, value }];
  });
  const switched = flags.flatMap(([field, name, value]) => (settings.flag(field) === true ? [{ name, value }] : []));
  return [...strictTransport(settings), ...given, ...switched];
}

function strictTransport(settings: Fields): Header[] {
  const seconds = settings.number('stsSeconds') ?? 0;
  const parts = [`max-age=${seconds}`];
  if (settings.flag('stsIncludeSubdomains') === true) parts.push('includeSubDomains');
  if (settings.flag('stsPreload') === true) parts.push('preload');
  return seconds === 0 ? [] : [{ name: 'Strict-Transport-Security', value: parts.join('; ') }];
}

function corsOf(settings: Fields): Filter[] {
  const allowOrigins = settings.texts('accessControlAllowOriginList');
  const allowMethods = settings.texts('accessControlAllowMethods');
  const allowHeaders = settings.texts('accessControlAllowHeaders');
  const exposeHeaders = settings.texts('accessControlExposeHeaders');
  const allowCredentials = settings.flag('accessControlAllowCredentials') ?? false;
  const maxAge = settings.number('accessControlMaxAge') ?? 0;
  settings.flag('addVaryHeader');
  if (allowOrigins.length === 0) return [];
  const lists = { allowOrigins, allowMethods, allowHeaders, exposeHeaders };
  const given = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
  return [{ type: 'CORS', cors: { ...given, allowCredentials, ...(maxAge > 0 ? { maxAge } : {}) } }];
}
