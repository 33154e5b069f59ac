// One rule of a GRPCRoute: its matches, filters and backends. For a proxy it is a normal rule: a call is a request to
// `/<service>/<method>`.
import { checkGrpcMatch, checkGrpcRouteRule } from '#api/k8s/grpc-route-rules.ts';
import type { GrpcMethodMatch, GrpcRouteMatch, GrpcRouteRule } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import type { RouteReferrer } from './backend-refs.ts';
import { compileFilters } from './filters.ts';
import { compileHeaderMatches } from './matches.ts';
import { compileBackend, NO_TIMEOUTS, obstaclesOf, problemOf, unservable, type CompiledRule, type RuleContent } from './rule.ts';
import { compileSessions } from './session-persistence.ts';
import type { View } from './view.ts';

/** Compiles a rule; `field` is its path in the object. */
export function compileGrpcRule(view: View, from: RouteReferrer, rule: GrpcRouteRule, field: string): CompiledRule {
  const problem = problemOf(checkGrpcRouteRule(rule, field), rule, field);
  if (problem !== null) {
    const content = unservable(matchesOf(rule), problem);
    return { content, problem, obstacles: obstaclesOf(view, from, rule.backendRefs, `${field}.backendRefs`) };
  }
  const filters = compileFilters(view, from, rule.filters, `${field}.filters`);
  const backends = rule.backendRefs.map((ref, i) => compileBackend(view, from, ref, `${field}.backendRefs[${i}]`));
  const content: RuleContent = {
    matches: matchesOf(rule),
    filters: [...filters.filters],
    backends: backends.map(({ backend }) => backend),
    timeouts: NO_TIMEOUTS,
    retry: null,
    http2: true,
    ...compileSessions(rule.sessionPersistence),
  };
  return { content, problem, obstacles: [...filters.obstacles, ...backends.flatMap(({ obstacles }) => obstacles)] };
}

const ANY_CALL: ir.Match = { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], queryParams: [] };

/** A rule without matches accepts every call. An invalid match matches none. */
function matchesOf({ matches }: GrpcRouteRule): ir.Match[] {
  if (matches.length === 0) return [ANY_CALL];
  return matches.filter((match) => checkGrpcMatch(match, '').length === 0).map(compileMatch);
}

function compileMatch({ method, headers }: GrpcRouteMatch): ir.Match {
  return { ...ANY_CALL, path: method === undefined ? ANY_CALL.path : compileMethod(method), headers: compileHeaderMatches(headers) };
}

/** A literal service becomes a prefix; with a literal method, an exact path. Other matches become regular expressions. */
function compileMethod({ type, service = '', method = '' }: GrpcMethodMatch): ir.PathMatch {
  if (type === 'Exact' && service !== '') {
    return method === '' ? { type: 'PathPrefix', value: `/${service}` } : { type: 'Exact', value: `/${service}/${method}` };
  }
  const value = `/${expression(service)}/${expression(method)}`;
  return { type: 'GrpcMethod', value, serviceLength: service.length, methodLength: method.length };
}

/** Wraps the expression in a group, so that `|` does not extend beyond it. */
function expression(text: string): string {
  return text === '' ? '[^/]+' : `(?:${text})`;
}
