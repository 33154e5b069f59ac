// CORS preflights (Fetch standard section 3.2.2). A preflight announces a request: it has its URL, origin, method and the names of some
// headers. The answer comes from the CORS of the rules that the announced request may reach, and only if all of them agree: otherwise a
// page could send requests to a rule whose CORS does not allow it.
import type { Cors, Route } from '#api/ir/ir.ts';
import type { Candidate } from './candidate.ts';
import { pathCandidates } from './path-tree.ts';
import { headersMatch, headerValue, queryMatches, type Predicate } from './predicate.ts';
import { regexMatches } from './regex.ts';
import type { Found, MatchRequest } from './request.ts';
import type { RouteTable } from './table.ts';

const METHOD = 'access-control-request-method';
const HEADERS = 'access-control-request-headers';

/** Whether a request is a preflight. */
export function isPreflight({ method, headers }: MatchRequest): boolean {
  return method === 'OPTIONS' && headerValue(headers, METHOD) !== null && headerValue(headers, 'origin') !== null;
}

/** The announced request, as far as the preflight describes it. */
export interface AnnouncedRequest {
  /** With the announced method, and the headers that both requests have. */
  readonly request: MatchRequest;
  /** Names of announced headers; their values are unknown. */
  readonly announced: ReadonlySet<string>;
}

/** The request that a preflight announces. */
export function announcedBy(preflight: MatchRequest): AnnouncedRequest {
  const { headers } = preflight;
  const names = (headerValue(headers, HEADERS) ?? '').split(',').map((name) => name.trim().toLowerCase());
  const shared = headers.filter((_, i) => !(headers[i - (i % 2)] ?? '').startsWith('access-control-request-'));
  return { request: { ...preflight, method: headerValue(headers, METHOD) ?? '', headers: shared }, announced: new Set(names) };
}

/** Headers that a browser adds without announcing them: safelisted headers, credentials, a body, cache directives. */
const UNANNOUNCED: ReadonlySet<string> = new Set([
  ...['accept', 'accept-language', 'content-language', 'content-type', 'range', 'cookie', 'authorization', 'content-length'],
  ...['cache-control', 'pragma', 'if-none-match', 'if-modified-since'],
]);

/** Whether a preflight leaves the value of a header (name in lower case) open. */
export function isUntold({ announced }: AnnouncedRequest, name: string): boolean {
  return announced.has(name) || UNANNOUNCED.has(name);
}

/** `answered`: by the CORS of `found`. `refused`: without CORS headers. `ordinary`: handled like any other request. */
export type PreflightVerdict = 'answered' | 'refused' | 'ordinary';

/** The decision about a preflight. */
export interface PreflightDecision {
  readonly verdict: PreflightVerdict;
  /** The winning match. Null, for ordinary requests only: no match. */
  readonly found: Found | null;
  /** `found` is the match of the announced request, not of the preflight itself. */
  readonly asAnnounced: boolean;
  /** The reason, as text. */
  readonly reason: string;
}

/** The CORS that policies give to the requests of a listener (key) that match a route, as text; '' without one. */
export type PolicyCors = (route: Route, listener: string) => string;

/** Decides about a preflight. */
export function decidePreflight(table: RouteTable, preflight: MatchRequest, ofPolicies: PolicyCors = () => NO_CORS): PreflightDecision {
  const settingsOf = ({ route, listener }: Found): string => effectiveCors(route, ofPolicies(route, listener));
  const announced = announcedBy(preflight);
  let first: Candidate | null = null;
  for (const { candidate, certain } of possibleCandidates(table, announced)) {
    first ??= candidate;
    if (settingsOf(candidate) !== settingsOf(first)) return refusal(first, betweenReason(announced, first, candidate));
    if (certain) break;
  }
  if (first === null || settingsOf(first) === NO_CORS) return withoutCors(table.find(preflight), first, settingsOf);
  if (settingsOf(first) === SEVERAL) return refusal(first, `the backends of ${first.route.key} differ in CORS`);
  return { verdict: 'answered', found: first, asAnnounced: true, reason: `by the CORS of ${first.route.key}` };
}

function refusal(found: Candidate, reason: string): PreflightDecision {
  return { verdict: 'refused', found, asAnnounced: true, reason };
}

function betweenReason({ request }: AnnouncedRequest, one: Candidate, other: Candidate): string {
  return `${request.method} may reach ${one.route.key} or ${other.route.key}, by headers whose values are not announced, and they differ in CORS`;
}

/** No rule that the announced request may reach has CORS. Neither the CORS nor the backend of a rule for OPTIONS may answer for it. */
function withoutCors(found: Found | null, reached: Candidate | null, settingsOf: (found: Found) => string): PreflightDecision {
  const reaches = `the announced request reaches ${reached === null ? 'no rule' : reached.route.key}`;
  if (found !== null && settingsOf(found) !== NO_CORS) {
    const reason = `${reaches}, not ${found.route.key}, whose CORS does not hold for it`;
    return { verdict: 'refused', found, asAnnounced: false, reason };
  }
  return { verdict: 'ordinary', found, asAnnounced: false, reason: reached === null ? reaches : `${reaches}, which has no CORS` };
}

/** The matches that the announced request may reach, by precedence, up to the first that it certainly reaches if no earlier one matches. */
function* possibleCandidates(table: RouteTable, announced: AnnouncedRequest): Generator<{ candidate: Candidate; certain: boolean }> {
  const { host, listener, path } = announced.request;
  const { hosts, listeners } = table.parts;
  const group = hosts.first(host)?.group ?? null;
  if (listener !== undefined && listener !== '' && listeners.groupOf(listener) !== group) return;
  for (let slot = hosts.first(host); slot !== null && slot.group === group; slot = hosts.next(host, slot)) {
    for (const candidate of pathCandidates(slot.tree, path)) {
      const held = holdsFor(candidate, announced);
      if (held !== 'no') yield { candidate, certain: held === 'yes' };
    }
  }
}

/** Whether a match applies to the announced request. The path already matches, unless it is an expression. */
function holdsFor(candidate: Candidate, announced: AnnouncedRequest): 'yes' | 'maybe' | 'no' {
  const { request } = announced;
  if (candidate.method !== null && candidate.method !== request.method) return 'no';
  if (candidate.query !== null && !queryMatches(candidate.query, request.query)) return 'no';
  if (candidate.pathRegex !== null && !regexMatches(candidate.pathRegex, request.path)) return 'no';
  return headersHold(candidate.headers ?? [], announced);
}

function headersHold(predicates: readonly Predicate[], announced: AnnouncedRequest): 'yes' | 'maybe' | 'no' {
  const [untold, told] = [[] as Predicate[], [] as Predicate[]];
  for (const predicate of predicates) (isUntold(announced, predicate.name) ? untold : told).push(predicate);
  if (!headersMatch(told, announced.request)) return 'no';
  return untold.length === 0 ? 'yes' : 'maybe';
}

const NO_CORS = '';
/** For a rule whose backends differ: the backend of the announced request is not known yet. */
const SEVERAL = 'several';
const settings = new WeakMap<Route, string>();

/** The CORS of a rule as text: equal texts, equal CORS. That of the rule itself wins over that of policies, which wins over backends. */
function effectiveCors(route: Route, ofPolicies: string): string {
  if (ofPolicies !== NO_CORS && corsOf(route.filters) === NO_CORS) return ofPolicies;
  let text = settings.get(route);
  if (text === undefined) settings.set(route, (text = describeSettings(route)));
  return text;
}

function describeSettings(route: Route): string {
  const own = corsOf(route.filters);
  if (own !== NO_CORS) return own;
  const [first = NO_CORS, ...others] = new Set(route.backends.filter(({ weight }) => weight > 0).map(({ filters }) => corsOf(filters)));
  return others.length === 0 ? first : SEVERAL;
}

function corsOf(filters: Route['filters']): string {
  const cors = filters.find((filter): filter is Cors => filter.type === 'CORS');
  return cors === undefined ? NO_CORS : JSON.stringify(cors);
}
