// One alternative of a Traefik rule > host names and a match of the Gateway API.
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { Match, PathMatch, ValueMatch } from '../manifest.ts';
import type { Alternative, Condition } from './rule.ts';

/** What an alternative asks for. `host` '' is every host. */
export interface RouteMatch {
  readonly host: string;
  readonly match: Match;
}

interface Draft {
  host: string;
  path: PathMatch | null;
  method: string | null;
  readonly headers: ValueMatch[];
  readonly queryParams: ValueMatch[];
}

/** What each matcher adds; false where it does not go with what is there already. */
const MATCHERS: Readonly<Record<string, (draft: Draft, first: string, second: string) => boolean>> = {
  Host: (draft, host) => draft.host === '' && setHost(draft, host.toLowerCase()),
  HostRegexp: (draft, expression) => draft.host === '' && setHost(draft, wildcardOf(expression)),
  Path: (draft, value) => setPath(draft, { type: 'Exact', value }),
  PathPrefix: (draft, value) => setPath(draft, { type: 'PathPrefix', value: value.replace(/(.)\/+$/, '$1') }),
  PathRegexp: (draft, value) => setPath(draft, { type: 'RegularExpression', value: wholePath(value) }),
  Method: (draft, method) => draft.method === null && ((draft.method = method.toUpperCase()), true),
  Header: (draft, name, value) => addHeader(draft, { name, value }),
  Headers: (draft, name, value) => addHeader(draft, { name, value }),
  HeaderRegexp: (draft, name, value) => addHeader(draft, { type: 'RegularExpression', name, value: unanchored(value) }),
  HeadersRegexp: (draft, name, value) => addHeader(draft, { type: 'RegularExpression', name, value: unanchored(value) }),
  Query: (draft, name, value) => addQuery(draft, name, value),
  QueryRegexp: (draft, name, value) => draft.queryParams.push({ type: 'RegularExpression', name, value: unanchored(value) }) > 0,
};

/** The match of an alternative, or why there is none. */
export function matchOf(alternative: Alternative): Result<RouteMatch> {
  const draft: Draft = { host: '', path: null, method: null, headers: [], queryParams: [] };
  for (const condition of alternative) {
    const problem = add(condition, draft);
    if (problem !== null) return err(problem);
  }
  const { host, path, method, headers, queryParams } = draft;
  const match: Match = {
    ...(path === null ? {} : { path }),
    ...(method === null ? {} : { method }),
    ...(headers.length > 0 ? { headers } : {}),
    ...(queryParams.length > 0 ? { queryParams } : {}),
  };
  return ok({ host, match });
}

function add({ matcher, args }: Condition, draft: Draft): string | null {
  const convert = Object.hasOwn(MATCHERS, matcher) ? MATCHERS[matcher] : undefined;
  if (convert === undefined) return `the matcher ${matcher} has no equivalent`;
  return convert(draft, args[0] ?? '', args[1] ?? '')
    ? null
    : `${matcher}(${args.join(', ')}) has no equivalent in a rule with the other conditions`;
}

function setHost(draft: Draft, host: string): boolean {
  draft.host = host;
  return host !== '';
}

function setPath(draft: Draft, path: PathMatch): boolean {
  if (draft.path !== null) return false;
  draft.path = path;
  return true;
}

function addHeader(draft: Draft, header: ValueMatch): boolean {
  return header.value !== '' && draft.headers.push(header) > 0;
}

/** `Query(`a=b`)` of version 2, `Query(`a`, `b`)` of version 3. */
function addQuery(draft: Draft, first: string, second: string): boolean {
  const [name = '', value = ''] = second === '' ? first.split('=') : [first, second];
  return value !== '' && draft.queryParams.push({ name, value }) > 0;
}

/** An expression for all names of a domain, as a wildcard; '' for any other. */
function wildcardOf(expression: string): string {
  const domain = /^\^?(?:\.\+|\[a-z0-9-\]\+|\[\^\.\]\+|\{[a-z]+:[^}]+\})\\?\.((?:[a-z0-9-]+\\?\.)+[a-z]+)\$?$/.exec(expression)?.[1];
  return domain === undefined ? '' : `*.${domain.replaceAll('\\', '')}`;
}

/** Traefik looks for an expression anywhere; the Gateway API compares the whole. */
function unanchored(expression: string): string {
  const head = expression.startsWith('^') ? expression.slice(1) : `.*${expression}`;
  return head.endsWith('$') ? head.slice(0, -1) : `${head}.*`;
}

function wholePath(expression: string): string {
  return unanchored(expression.startsWith('/') ? `^${expression}` : expression);
}
