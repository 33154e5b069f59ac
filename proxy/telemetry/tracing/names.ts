// The names of spans, by the conventions of OpenTelemetry: few different ones, so nothing that a client chooses freely.
import type { Exchange } from '../../exchange/exchange.ts';
import type { ServiceCall } from '../../exchange/tracing.ts';

/** The methods that have a meaning of their own in traces. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY']);
/** What the conventions have for all others. */
export const OTHER_METHOD = '_OTHER';
const OTHER_IN_NAMES = 'HTTP';

export function isKnownMethod(method: string): boolean {
  return METHODS.has(method);
}

/** `GET /carts/*`, `shop.Carts/Get`, or the method alone if the rule has several paths. */
export function requestName(exchange: Exchange): string {
  const { grpc, route } = exchange;
  if (grpc && route !== null) return callName(exchange);
  const method = methodInName(exchange);
  return route === null || route.pathTemplate === '' ? method : `${method} ${route.pathTemplate}`;
}

export function attemptName(exchange: Exchange): string {
  return exchange.grpc ? callName(exchange) : methodInName(exchange);
}

/** A command of Redis, `package.Service/Method`, or the method of HTTP. */
export function serviceCallName({ protocol, method }: ServiceCall): string {
  if (protocol === 'grpc') return method.slice(1);
  return protocol === 'redis' || METHODS.has(method) ? method : OTHER_IN_NAMES;
}

/** Callers choose the names of calls that no rule names in full; the length has a bound. */
function callName({ path }: Exchange): string {
  return path.slice(1, MAX_CALL_NAME + 1);
}

function methodInName({ method }: Exchange): string {
  return METHODS.has(method) ? method : OTHER_IN_NAMES;
}

const MAX_CALL_NAME = 256;
