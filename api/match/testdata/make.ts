// Short functions that create listeners, routes and requests for tests and benchmarks of the matcher.
import type { Listener, Match, Route } from '#api/ir/ir.ts';
import type { MatchRequest } from '../request.ts';

/** A listener of Gateway `infra/gw` on port 80. */
export function listener(name: string, hostname = ''): Listener {
  return {
    kind: 'Listener',
    key: `infra/gw/${name}`,
    gateway: 'infra/gw',
    addresses: [],
    port: 80,
    protocol: 'HTTP',
    hostname,
    tls: null,
  };
}

/** A match of any request, with these parts instead. */
export function match(parts: Partial<Match> = {}): Match {
  return { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], queryParams: [], ...parts };
}

/** A match of a path prefix. */
export function prefix(value: string, parts: Partial<Match> = {}): Match {
  return match({ path: { type: 'PathPrefix', value }, ...parts });
}

/** A match of an exact path. */
export function exact(value: string, parts: Partial<Match> = {}): Match {
  return match({ path: { type: 'Exact', value }, ...parts });
}

/** A match of a path by regular expression. */
export function regex(value: string, parts: Partial<Match> = {}): Match {
  return match({ path: { type: 'RegularExpression', value }, ...parts });
}

/** A path of a gRPC service and a method, each an expression or '' for any. */
export function grpcMethod(service: string, method: string): Match['path'] {
  const value = `/(?:${service === '' ? '[^/]+' : service})/(?:${method === '' ? '[^/]+' : method})`;
  return { type: 'GrpcMethod', value, serviceLength: service.length, methodLength: method.length };
}

/** A header or query parameter of exactly this value. */
export function equals(name: string, value: string): Match['headers'][number] {
  return { type: 'Exact', name, value };
}

/** A header or query parameter that matches an expression. */
export function matches(name: string, value: string): Match['headers'][number] {
  return { type: 'RegularExpression', name, value };
}

/** Rule 0 of HTTPRoute `default/<name>`, attached to listener `http` for any host, with these matches. */
export function route(name: string, routeMatches: readonly Match[], parts: Partial<Route> = {}): Route {
  const made: Route = {
    kind: 'Route',
    key: '',
    objectKind: 'HTTPRoute',
    namespace: 'default',
    name,
    ruleIndex: 0,
    ruleName: '',
    createdAt: 0,
    attachments: [{ listener: 'infra/gw/http', hostnames: [''] }],
    matches: [...routeMatches],
    filters: [],
    backends: [],
    timeouts: { request: null, backendRequest: null },
    retry: null,
    ...parts,
  };
  return { ...made, key: parts.key ?? `${made.objectKind}/${made.namespace}/${made.name}/${made.ruleIndex}` };
}

/** An attachment to listener `infra/gw/<name>`. */
export function on(name: string, ...hostnames: string[]): Route['attachments'][number] {
  return { listener: `infra/gw/${name}`, hostnames };
}

/** GET of a path, with these parts instead. */
export function get(path: string, parts: Partial<MatchRequest> = {}): MatchRequest {
  return { method: 'GET', host: '', path, query: '', headers: [], ...parts };
}
