// Rules of HTTPRoute filters that a schema cannot express: settings that fit the type, and filters that exclude each other.
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';
import { editObstacle, isHostValue, isPort, type HeaderEdit, type HeaderSide } from './header-rules.ts';
import type { Cors, ExternalAuth, HeaderFilter, HttpRouteFilter, PathModifier, RequestMirror } from './http-filter.ts';
import type { HttpRouteMatch } from './http-route.ts';
import { checkReplacement } from './path-rules.ts';

/** The field with the settings of each type. */
const SETTINGS = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  CORS: 'cors',
  ExtensionRef: 'extensionRef',
  ExternalAuth: 'externalAuth',
} as const satisfies Record<HttpRouteFilter['type'], keyof HttpRouteFilter>;

/** Filters that may occur more than once. */
const REPEATABLE: ReadonlySet<string> = new Set(['RequestMirror', 'ExtensionRef', 'ExternalAuth']);

/** The rules that a list of filters violates; `field` is the path of the list, `matches` are the matches of its rule. */
export function checkFilters(filters: readonly HttpRouteFilter[], matches: readonly HttpRouteMatch[], field: string): FieldError[] {
  const types = filters.map((filter) => filter.type);
  const errors = filters.flatMap((filter, i) => checkFilter(filter, matches, `${field}[${i}]`));
  for (const i of repeated(types.map((type, n) => (REPEATABLE.has(type) ? `#${n}` : type)))) {
    errors.push({ field: `${field}[${i}]`, reason: `${types[i] ?? 'filter'} must not be repeated` });
  }
  if (types.includes('RequestRedirect') && types.includes('URLRewrite')) {
    errors.push({ field, reason: 'RequestRedirect and URLRewrite must not be used together' });
  }
  return errors;
}

function checkFilter(filter: HttpRouteFilter, matches: readonly HttpRouteMatch[], field: string): FieldError[] {
  const errors = checkSettings(filter, field);
  const { requestHeaderModifier, responseHeaderModifier } = filter;
  if (requestHeaderModifier) errors.push(...checkHeaders('request', requestHeaderModifier, `${field}.requestHeaderModifier`));
  if (responseHeaderModifier) errors.push(...checkHeaders('response', responseHeaderModifier, `${field}.responseHeaderModifier`));
  if (filter.requestMirror) errors.push(...checkMirror(filter.requestMirror, `${field}.requestMirror`));
  if (filter.cors) errors.push(...checkCors(filter.cors, `${field}.cors`));
  if (filter.externalAuth) errors.push(...checkExternalAuth(filter.externalAuth, `${field}.externalAuth`));
  const redirect = filter.requestRedirect?.path;
  if (redirect) errors.push(...checkPathModifier(redirect, matches, `${field}.requestRedirect.path`));
  const rewrite = filter.urlRewrite?.path;
  if (rewrite) errors.push(...checkPathModifier(rewrite, matches, `${field}.urlRewrite.path`));
  return errors;
}

/** Exactly the settings of `type` must be present. */
function checkSettings(filter: HttpRouteFilter, field: string): FieldError[] {
  const required = SETTINGS[filter.type];
  const errors: FieldError[] = [];
  if (filter[required] === undefined) errors.push({ field: `${field}.${required}`, reason: `is required for type ${filter.type}` });
  for (const [type, name] of Object.entries(SETTINGS)) {
    if (name !== required && filter[name] !== undefined) errors.push({ field: `${field}.${name}`, reason: `needs type ${type}` });
  }
  return errors;
}

/** The settings of the protocol must be present, those of the other must not. */
function checkExternalAuth({ protocol, grpc, http }: ExternalAuth, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (protocol === 'HTTP' && http === undefined) errors.push({ field: `${field}.http`, reason: 'is required for protocol HTTP' });
  if (protocol === 'GRPC' && grpc === undefined) errors.push({ field: `${field}.grpc`, reason: 'is required for protocol GRPC' });
  if (protocol === 'HTTP' && grpc !== undefined) errors.push({ field: `${field}.grpc`, reason: 'needs protocol GRPC' });
  if (protocol === 'GRPC' && http !== undefined) errors.push({ field: `${field}.http`, reason: 'needs protocol HTTP' });
  return errors;
}

/** A header in a modifier; `field` is the path of its name. */
interface NamedHeader {
  readonly edit: HeaderEdit;
  readonly name: string;
  readonly field: string;
}

/**
 * Names are the keys of the lists and compare case-sensitively. Names in one list that differ only in case are accepted, and the first one
 * counts, as in the Gateway API. The API does not define the meaning of one name in two lists.
 */
function checkHeaders(side: HeaderSide, headers: HeaderFilter, field: string): FieldError[] {
  const twice = (['set', 'add'] as const).flatMap((list) =>
    repeated(headers[list].map(({ name }) => name)).map((i) => ({ field: `${field}.${list}[${i}].name`, reason: 'is listed twice' })),
  );
  const named: NamedHeader[] = [
    ...(['set', 'add'] as const).flatMap((edit) =>
      headers[edit].map(({ name }, i) => ({ edit, name: name.toLowerCase(), field: `${field}.${edit}[${i}].name` })),
    ),
    ...headers.remove.map((name, i) => ({ edit: 'remove' as const, name: name.toLowerCase(), field: `${field}.remove[${i}]` })),
  ];
  return [...twice, ...checkLists(named), ...checkEdits(side, named), ...checkHosts(side, headers, field)];
}

/** A header may be in one list only. */
function checkLists(named: readonly NamedHeader[]): FieldError[] {
  const first = new Map<string, HeaderEdit>();
  return named.flatMap(({ edit, name, field }) => {
    const before = first.get(name);
    if (before === undefined) first.set(name, edit);
    return before === undefined || before === edit ? [] : [{ field, reason: `${name} is in ${before} already` }];
  });
}

function checkEdits(side: HeaderSide, named: readonly NamedHeader[]): FieldError[] {
  return named.flatMap(({ edit, name, field }) => {
    const obstacle = editObstacle(side, edit, name);
    return obstacle === null ? [] : [{ field, reason: `${name} ${obstacle}` }];
  });
}

function checkHosts(side: HeaderSide, { set }: HeaderFilter, field: string): FieldError[] {
  if (side === 'response') return [];
  return set.flatMap(({ name, value }, i) =>
    name.toLowerCase() !== 'host' || isHostValue(value)
      ? []
      : [{ field: `${field}.set[${i}].value`, reason: 'must be a host, with a port or without' }],
  );
}

function checkMirror(mirror: RequestMirror, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (mirror.percent !== undefined && mirror.fraction !== undefined) {
    errors.push({ field, reason: 'percent and fraction must not be used together' });
  }
  if (mirror.fraction !== undefined && mirror.fraction.numerator > mirror.fraction.denominator) {
    errors.push({ field: `${field}.fraction.numerator`, reason: 'must not be larger than the denominator' });
  }
  return errors;
}

function checkCors(cors: Cors, field: string): FieldError[] {
  const lists = { allowOrigins: cors.allowOrigins, allowMethods: cors.allowMethods, allowHeaders: cors.allowHeaders };
  const alone = Object.entries(lists)
    .filter(([, values]) => values.length > 1 && (values as readonly string[]).includes('*'))
    .map(([name]) => ({ field: `${field}.${name}`, reason: 'must not hold anything else beside *' }));
  const ports = cors.allowOrigins.flatMap((origin, i) => {
    const obstacle = originPortObstacle(origin);
    return obstacle === null ? [] : [{ field: `${field}.allowOrigins[${i}]`, reason: obstacle }];
  });
  return [...alone, ...ports];
}

/** The reason why the port of an origin is none; null if it is one, or absent. */
export function originPortObstacle(origin: string): string | null {
  return isPort(/:([0-9]+)$/.exec(origin)?.[1] ?? '443') ? null : 'must have a port from 1 to 65535';
}

/** Only a rule with exactly one PathPrefix match has a prefix to replace. */
function checkPathModifier(path: PathModifier, matches: readonly HttpRouteMatch[], field: string): FieldError[] {
  const required = path.type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
  const other = path.type === 'ReplaceFullPath' ? 'replacePrefixMatch' : 'replaceFullPath';
  const errors: FieldError[] = [];
  const value = path[required];
  if (value === undefined) errors.push({ field: `${field}.${required}`, reason: `is required for type ${path.type}` });
  else errors.push(...checkReplacement(value, `${field}.${required}`));
  if (path[other] !== undefined) errors.push({ field: `${field}.${other}`, reason: `does not go with type ${path.type}` });
  const onePrefix = matches.length === 1 && matches[0]?.path.type === 'PathPrefix';
  if (path.type === 'ReplacePrefixMatch' && !onePrefix) {
    errors.push({ field: `${field}.replacePrefixMatch`, reason: 'needs a rule with exactly one match, of type PathPrefix' });
  }
  return errors;
}
