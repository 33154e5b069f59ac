// Middlewares of Traefik > filters of a rule, settings of a policy, and what is lost.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { Filter, Match } from '../manifest.ts';
import type { Plan, Remark } from '../plan.ts';
import { headerFilters } from './headers.ts';

/** What the middlewares of a route come to. */
export interface Chain {
  /** Filters that do not depend on the match. */
  readonly filters: Filter[];
  /** Turn the path of a match into a rewrite; null where the path is not of the form that this takes. */
  readonly rewrites: ((match: Match) => Filter | null)[];
  readonly policy: Record<string, unknown>;
  /** Middlewares that protected the route. */
  readonly open: string[];
}

type Reason = Omit<Remark, 'field'>;
const NO_EQUIVALENT: Reason = { reason: 'Weir has no equivalent yet' };

/** Without one of these a route is open to more clients than before. */
const PROTECTION: Readonly<Record<string, Reason>> = {
  basicAuth: { reason: 'Weir has no basic authentication yet' },
  digestAuth: { reason: 'Weir has no digest authentication' },
  forwardAuth: { reason: 'Weir has no external authentication yet' },
  ipAllowList: { reason: 'Weir has no lists of client addresses yet' },
  ipWhiteList: { reason: 'Weir has no lists of client addresses yet' },
  plugin: { reason: 'Weir has no plugins; the plugin may protect the route' },
};

const UNSUPPORTED: Readonly<Record<string, Reason>> = {
  rateLimit: { reason: 'Weir has no rate limits yet' },
  inFlightReq: { reason: 'Weir has no limit of requests by client yet' },
  circuitBreaker: { reason: 'Weir has no circuit breaker with an expression; it leaves out endpoints that cannot be connected to' },
  errors: { reason: 'Weir has no error pages of your own yet' },
  compress: { reason: 'Weir does not compress answers yet' },
  redirectRegex: { reason: 'redirects by expressions have no equivalent', advice: 'write a RequestRedirect filter' },
  replacePathRegex: { reason: 'rewrites by expressions have no equivalent', advice: 'write a URLRewrite filter' },
  stripPrefixRegex: { reason: 'rewrites by expressions have no equivalent', advice: 'write a URLRewrite filter' },
  buffering: {
    reason: 'Weir passes bodies on as they come',
    advice: 'for maxRequestBodyBytes write a ClientTrafficPolicy with limits.requestBody',
  },
  passTLSClientCert: { reason: 'Weir sends no client certificates in headers in this form' },
};

const NOT_NEEDED: Readonly<Record<string, string>> = {
  contentType: 'Weir does not guess content types',
  grpcWeb: 'Weir passes gRPC-Web on as it is',
};

type Convert = (settings: Fields, chain: Chain, object: InputObject, plan: Plan) => void;

const CONVERTERS: Readonly<Record<string, Convert>> = {
  stripPrefix: (settings, chain) => void chain.rewrites.push(stripPrefix(settings.texts('prefixes'))),
  addPrefix: (settings, chain) => void chain.rewrites.push(addPrefix(settings.text('prefix') ?? '')),
  replacePath(settings, chain) {
    const path = { type: 'ReplaceFullPath', replaceFullPath: settings.text('path') ?? '/' };
    chain.filters.push({ type: 'URLRewrite', urlRewrite: { path } });
  },
  redirectScheme(settings, chain) {
    const port = settings.text('port');
    const requestRedirect = { scheme: settings.text('scheme') ?? 'https', statusCode: settings.flag('permanent') === true ? 301 : 302 };
    chain.filters.push({
      type: 'RequestRedirect',
      requestRedirect: { ...requestRedirect, ...(port === undefined ? {} : { port: Number(port) }) },
    });
  },
  headers: (settings, chain) => void chain.filters.push(...headerFilters(settings)),
  retry(settings, chain) {
    chain.policy['retry'] = {
      attempts: Math.max(0, (settings.number('attempts') ?? 1) - 1),
      backoff: settings.text('initialInterval') ?? '100ms',
    };
  },
};

/** The chain of the middlewares that a route names. */
export function chainOf(refs: readonly Fields[], source: InputObject, plan: Plan): Chain {
  const chain: Chain = { filters: [], rewrites: [], policy: {}, open: [] };
  for (const ref of refs) addMiddleware(ref, source, chain, plan);
  return chain;
}

function addMiddleware(ref: Fields, source: InputObject, chain: Chain, plan: Plan, depth = 0): void {
  const object = middlewareOf(ref, source, plan);
  if (object === undefined || depth > 4) {
    const name = ref.text('name') ?? '';
    const reason = `Middleware ${name} is not in the files, and may protect the route`;
    plan.leftOut(source, { field: ref.at('name'), reason, advice: 'give weir migrate its file too' });
    chain.open.push(`Middleware ${name}`);
    return;
  }
  const spec = new Fields(object.value['spec'], 'spec');
  for (const inner of spec.group('chain').groups('middlewares')) addMiddleware(inner, object, chain, plan, depth + 1);
  for (const type of Object.keys(object.value['spec'] ?? {})) if (type !== 'chain') convert(type, spec, object, chain, plan);
}

/** The object that a reference means: by name, or in the form `namespace-name@kubernetescrd`. */
function middlewareOf(ref: Fields, source: InputObject, plan: Plan): InputObject | undefined {
  const name = (ref.text('name') ?? '').replace(/@kubernetescrd$/, '');
  const namespace = ref.text('namespace') ?? source.namespace;
  return plan.find('Middleware', namespace, name) ?? plan.find('Middleware', namespace, name.replace(`${namespace}-`, ''));
}

function convert(type: string, spec: Fields, object: InputObject, chain: Chain, plan: Plan): void {
  const converter = CONVERTERS[type];
  const settings = spec.group(type);
  const needless = NOT_NEEDED[type];
  const protection = PROTECTION[type];
  if (converter !== undefined) {
    converter(settings, chain, object, plan);
    for (const field of settings.unread()) plan.leftOut(object, { field, ...NO_EQUIVALENT });
  } else if (needless !== undefined) plan.note('not needed', object, { field: spec.at(type), reason: needless });
  else {
    if (protection !== undefined) chain.open.push(`Middleware ${object.name}`);
    plan.leftOut(object, { field: spec.at(type), ...(protection ?? UNSUPPORTED[type] ?? NO_EQUIVALENT) });
  }
}

function stripPrefix(prefixes: readonly string[]): (match: Match) => Filter | null {
  return ({ path }) => {
    if (path?.type !== 'PathPrefix') return null;
    const prefix = prefixes
      .map((each) => each.replace(/\/+$/, ''))
      .find((each) => path.value === each || path.value.startsWith(`${each}/`));
    return prefix === undefined ? null : replacePrefix(path.value.slice(prefix.length));
  };
}

function addPrefix(prefix: string): (match: Match) => Filter | null {
  return ({ path = { type: 'PathPrefix', value: '/' } }) => {
    if (path.type === 'Exact')
      return { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: prefix + path.value } } };
    return path.type === 'PathPrefix' ? replacePrefix(prefix + (path.value === '/' ? '' : path.value)) : null;
  };
}

function replacePrefix(replacement: string): Filter {
  const path = { type: 'ReplacePrefixMatch', replacePrefixMatch: replacement === '' ? '/' : replacement };
  return { type: 'URLRewrite', urlRewrite: { path } };
}
