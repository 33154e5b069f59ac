// The matcher as the Gateway API describes it, without an index: finds all matches, sorts them, and takes the first.
// Tests compare the real matcher with it. It shares no code with the real one on purpose.
import { RE2JS } from 're2js';
import type { Listener, Match, Route, ValueMatch } from '#api/ir/ir.ts';
import type { MatchRequest } from '../request.ts';

/** The winning match of a route on a listener. */
export interface OracleAnswer {
  readonly routeKey: string;
  readonly matchIndex: number;
  readonly listener: string;
}

interface Entry {
  readonly route: Route;
  readonly match: Match;
  readonly matchIndex: number;
  readonly listener: string;
  readonly hostname: string;
}

/** The expected result of `buildTable(listeners, routes).find(request)`. */
export function oracle(listeners: readonly Listener[], routes: readonly Route[], request: MatchRequest): OracleAnswer | null {
  const covering = listeners.filter(({ hostname }) => hostMatches(hostname, request.host));
  const best = covering.map(({ hostname }) => hostname).sort(byHostname)[0];
  const chosen = covering.filter(({ hostname, unserved }) => hostname === best && unserved === undefined).map(({ key }) => key);
  if (request.listener && !chosen.includes(request.listener)) return null;
  const entries = routes.flatMap(entriesOf).filter((entry) => chosen.includes(entry.listener) && entryMatches(entry, request));
  const winner = entries.sort(byPrecedence)[0];
  if (winner === undefined) return null;
  return { routeKey: winner.route.key, matchIndex: winner.matchIndex, listener: winner.listener };
}

function entriesOf(route: Route): Entry[] {
  return route.attachments.flatMap(({ listener, hostnames }) =>
    hostnames.flatMap((hostname) => route.matches.map((match, matchIndex) => ({ route, match, matchIndex, listener, hostname }))),
  );
}

function hostMatches(hostname: string, host: string): boolean {
  if (hostname === '') return true;
  const wanted = hostname.split('.').reverse();
  const got = host.split('.').reverse();
  const isWildcard = wanted.at(-1) === '*';
  if (!isWildcard) return hostname === host;
  return got.length >= wanted.length && wanted.slice(0, -1).every((label, index) => label === got[index]);
}

/** The order: most characters without the wildcard, then most characters. */
function byHostname(a: string, b: string): number {
  const weight = (hostname: string): number => (hostname.includes('*') ? 0 : hostname.length);
  return weight(b) - weight(a) || b.length - a.length;
}

function entryMatches({ hostname, match }: Entry, request: MatchRequest): boolean {
  return (
    hostMatches(hostname, request.host) &&
    pathMatches(match.path, request.path) &&
    (match.method === null || match.method === request.method) &&
    firstOfEachName(match.headers).every((header) => valueMatches(header, headerOf(request.headers, header.name))) &&
    firstOfEachName(match.queryParams).every((wanted) => valueMatches(wanted, new URLSearchParams(request.query).get(wanted.name)))
  );
}

function pathMatches({ type, value }: Match['path'], path: string): boolean {
  if (type === 'Exact') return path === value;
  if (type === 'RegularExpression' || type === 'GrpcMethod') return RE2JS.compile(value).matcher(path).matches();
  const wanted = segmentsOf(value);
  const got = path.split('/');
  return wanted.every((segment, index) => segment === got[index]);
}

/** The segments of a prefix: `/foo/` has the same as `/foo`, `/` has none. */
function segmentsOf(prefix: string): string[] {
  const segments = prefix.split('/');
  return segments.at(-1) === '' ? segments.slice(0, -1) : segments;
}

function headerOf(headers: readonly string[], name: string): string | null {
  const values = headers.filter((_, index) => index % 2 === 1 && headers[index - 1] === name);
  return values.length === 0 ? null : values.join(',');
}

function valueMatches({ type, value }: ValueMatch, got: string | null): boolean {
  if (got === null) return false;
  return type === 'Exact' ? got === value : RE2JS.compile(value).matcher(got).matches();
}

function firstOfEachName(matches: readonly ValueMatch[]): ValueMatch[] {
  return [...new Map(matches.toReversed().map((match) => [match.name, match])).values()];
}

function byPrecedence(a: Entry, b: Entry): number {
  const rules = [
    byHostname(a.hostname, b.hostname),
    pathRank(a.match) - pathRank(b.match),
    pathLength(b.match) - pathLength(a.match),
    (b.match.path.serviceLength ?? 0) - (a.match.path.serviceLength ?? 0),
    (b.match.path.methodLength ?? 0) - (a.match.path.methodLength ?? 0),
    Number(b.match.method !== null) - Number(a.match.method !== null),
    firstOfEachName(b.match.headers).length - firstOfEachName(a.match.headers).length,
    firstOfEachName(b.match.queryParams).length - firstOfEachName(a.match.queryParams).length,
    a.route.createdAt - b.route.createdAt,
    byText(`${a.route.namespace}/${a.route.name}`, `${b.route.namespace}/${b.route.name}`),
    byText(a.route.objectKind, b.route.objectKind),
    a.route.ruleIndex - b.route.ruleIndex,
    a.matchIndex - b.matchIndex,
    byText(a.listener, b.listener),
  ];
  return rules.find((rule) => rule !== 0) ?? 0;
}

function pathRank({ path }: Match): number {
  const order = ['Exact', 'RegularExpression', 'PathPrefix', 'GrpcMethod'].indexOf(path.type);
  return path.type === 'PathPrefix' && segmentsOf(path.value).join('/') === '' ? order + 2 : order;
}

function pathLength({ path }: Match): number {
  if (path.type === 'GrpcMethod') return 0;
  return path.type === 'PathPrefix' ? segmentsOf(path.value).join('/').length : path.value.length;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
