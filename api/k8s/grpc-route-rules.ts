// Rules of the GRPCRoute CRD that a schema cannot express (CEL there). A file that violates one is refused; in an object from an API server
// the compiler marks the violating rule.
import type { FieldError } from './field-error.ts';
import { checkFilters } from './filter-rules.ts';
import type { GrpcMethodMatch, GrpcRoute, GrpcRouteMatch, GrpcRouteRule } from './grpc-route.ts';
import { checkHeaderMatches, checkRegex } from './match-rules.ts';
import { checkParentRefs, checkPorts, checkRules } from './reference-rules.ts';
import { checkSessionPersistence } from './session-persistence.ts';

const SERVICE = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

/** The rules that a GRPCRoute violates. */
export function checkGrpcRoute(route: GrpcRoute): FieldError[] {
  const { rules } = route.spec;
  return [
    ...rules.flatMap((rule, i) => checkGrpcRouteRule(rule, `spec.rules[${i}]`)),
    ...checkRules(rules),
    ...checkParentRefs(route.spec.parentRefs),
  ];
}

/** The rules that one routing rule violates by itself; `field` is its path. */
export function checkGrpcRouteRule(rule: GrpcRouteRule, field: string): FieldError[] {
  return [
    ...rule.matches.flatMap((match, i) => checkGrpcMatch(match, `${field}.matches[${i}]`)),
    ...checkFilters(rule.filters, [], `${field}.filters`),
    ...rule.backendRefs.flatMap((ref, i) => checkFilters(ref.filters, [], `${field}.backendRefs[${i}].filters`)),
    ...checkPorts(rule.backendRefs, `${field}.backendRefs`),
    ...checkSessionPersistence(rule.sessionPersistence, `${field}.sessionPersistence`),
  ];
}

/** The rules that a match violates; `field` is its path. */
export function checkGrpcMatch({ method, headers }: GrpcRouteMatch, field: string): FieldError[] {
  return [...(method === undefined ? [] : checkMethod(method, `${field}.method`)), ...checkHeaderMatches(headers, `${field}.headers`)];
}

function checkMethod({ type, service = '', method = '' }: GrpcMethodMatch, field: string): FieldError[] {
  if (service === '' && method === '') return [{ field, reason: 'must have a service, a method or both' }];
  return [...checkPart(type, service, SERVICE, `${field}.service`), ...checkPart(type, method, METHOD, `${field}.method`)];
}

function checkPart(type: string, text: string, name: RegExp, field: string): FieldError[] {
  if (text === '') return [];
  if (type === 'RegularExpression') return checkRegex(text, field);
  return name.test(text) ? [] : [{ field, reason: `must be a name as protocol buffers have them: letters, digits and "_"` }];
}
