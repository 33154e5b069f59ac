// Compiles an `ir.Route` into the candidates of each of its listeners. Everything that does not depend on the request is decided here.
import type { Match, Route, ValueMatch } from '#api/ir/ir.ts';
import { makeCandidate, type Candidate, type CompiledMatch } from './candidate.ts';
import { isPattern } from './hostname.ts';
import { normalisePath } from './normalise.ts';
import { pathExpression } from '#lib/path-template.ts';
import { normaliseExpression } from './path-expression.ts';
import { isCaseless, ownFieldOf } from './own-field.ts';
import type { Predicate } from './predicate.ts';
import { compileRegex, type Regex } from './regex.ts';
import type { RouteProblem } from './request.ts';

/** The candidates of one attachment. */
export interface AttachedCandidates {
  readonly listener: string;
  readonly hostnames: readonly string[];
  readonly candidates: readonly Candidate[];
}

/** A route with its candidates and problems. */
export interface CompiledRoute {
  readonly route: Route;
  readonly attached: readonly AttachedCandidates[];
  readonly problems: readonly RouteProblem[];
}

/** The match of a rule without matches: all requests. */
const ANY_REQUEST: Match = { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], queryParams: [] };

/** Reports a problem of a field. */
type Report = (field: string, reason: string) => void;

/**
 * Compiles a route. An invalid match matches nothing, because its meaning is unknown; the other matches of its rule then answer with the
 * problem, so that no rule is served in part.
 */
export function compileRoute(route: Route): CompiledRoute {
  const problems: RouteProblem[] = [];
  const report: Report = (field, reason) => problems.push({ routeKey: route.key, field, reason });
  const matches = route.matches.length === 0 ? [ANY_REQUEST] : route.matches;
  const compiled = matches.map((match, index) => compileMatch(match, index, report)).filter((match) => match !== null);
  const invalidReason = route.invalidReason ?? problems[0]?.reason ?? null;
  const attached = route.attachments.map(({ listener, hostnames }, index) => ({
    listener,
    hostnames: usableHostnames(hostnames, `attachments/${index}/hostnames`, report),
    candidates: compiled.map((match) => makeCandidate(match, route, listener, invalidReason)),
  }));
  return { route, attached, problems };
}

/** The valid host names. An invalid name does not affect the others. */
function usableHostnames(hostnames: readonly string[], field: string, report: Report): string[] {
  return hostnames.filter((hostname, index) => {
    if (isPattern(hostname)) return true;
    report(`${field}/${index}`, `"${hostname}" is not a host name in lower case`);
    return false;
  });
}

function compileMatch(match: Match, index: number, report: Report): CompiledMatch | null {
  const at = `matches/${index}`;
  const path = compilePath(match.path, `${at}/path/value`, report);
  const headers = compilePredicates(match.headers, true, `${at}/headers`, report);
  const query = compilePredicates(match.queryParams, false, `${at}/queryParams`, report);
  if (path === null || headers.includes(null) || query.includes(null)) return null;
  return {
    match,
    matchIndex: index,
    pathType: match.path.type,
    path: path.text,
    pathRegex: path.regex,
    method: match.method,
    headers: nullIfEmpty(headers as Predicate[]),
    query: nullIfEmpty(query as Predicate[]),
  };
}

function compilePath(path: Match['path'], field: string, report: Report): { text: string; regex: Regex | null } | null {
  if (path.type === 'RegularExpression' || path.type === 'GrpcMethod') {
    const regex = path.type === 'GrpcMethod' ? compile(path.value, field, report) : compileExpression(path.value, field, report);
    return regex === null ? null : { text: path.type === 'GrpcMethod' ? '' : path.value, regex };
  }
  // Requests are matched by their normalised path, so `/caf%c3%a9` must be normalised in the same way.
  const text = normalisePath(path.value);
  if (text === null) {
    report(field, `"${path.value}" is not an absolute path`);
    return null;
  }
  return { text: path.type === 'PathPrefix' && text.endsWith('/') ? text.slice(0, -1) : text, regex: null };
}

/** One predicate per name: the Gateway API uses the first of several conditions with one name. Null if an expression is invalid. */
function compilePredicates(matches: readonly ValueMatch[], isHeader: boolean, field: string, report: Report): (Predicate | null)[] {
  return matches
    .map((match, index) => ({ match, at: `${field}/${index}/value` }))
    .filter(({ match }, index) => matches.findIndex((other) => other.name === match.name) === index)
    .map(({ match, at }) => compilePredicate(match, isHeader, (reason) => report(at, reason)));
}

function compilePredicate(match: ValueMatch, isHeader: boolean, report: (reason: string) => void): Predicate | null {
  const { type, name, value } = match;
  const own = isHeader ? ownFieldOf(name) : null;
  const caseless = isHeader && isCaseless(name);
  if (type === 'Exact') return { name, value: caseless ? value.toLowerCase() : value, regex: null, own, source: match };
  const regex = compileRegex(caseless ? `(?i)${value}` : value);
  if (regex.ok) return { name, value, regex: regex.value, own, source: match };
  report(regex.error);
  return null;
}

function compileExpression(value: string, field: string, report: Report): Regex | null {
  const expression = pathExpression(value);
  if (expression.ok) return compile(normaliseExpression(expression.value), field, report);
  report(field, expression.error);
  return null;
}

function compile(expression: string, field: string, report: Report): Regex | null {
  const regex = compileRegex(expression);
  if (regex.ok) return regex.value;
  report(field, regex.error);
  return null;
}

function nullIfEmpty(predicates: readonly Predicate[]): readonly Predicate[] | null {
  return predicates.length === 0 ? null : predicates;
}
