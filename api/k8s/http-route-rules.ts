// Rules of the HTTPRoute CRD that a schema cannot express (CEL there). A file that violates one is refused; in an object from an API server
// the compiler marks the violating rule.
import type { FieldError } from './field-error.ts';
import { checkFilters } from './filter-rules.ts';
import type { HttpRoute, HttpRouteRule } from './http-route.ts';
import { checkMatch, checkTimeouts } from './match-rules.ts';
import { checkParentRefs, checkPorts, checkRules } from './reference-rules.ts';
import { checkSessionPersistence } from './session-persistence.ts';

/** The rules that an HTTPRoute violates. */
export function checkHttpRoute(route: HttpRoute): FieldError[] {
  const { rules } = route.spec;
  return [
    ...rules.flatMap((rule, i) => checkHttpRouteRule(rule, `spec.rules[${i}]`)),
    ...checkRules(rules),
    ...checkParentRefs(route.spec.parentRefs),
  ];
}

/** The rules that one routing rule violates by itself; `field` is its path. */
export function checkHttpRouteRule(rule: HttpRouteRule, field: string): FieldError[] {
  return [
    ...rule.matches.flatMap((match, i) => checkMatch(match, `${field}.matches[${i}]`)),
    ...checkFilters(rule.filters, rule.matches, `${field}.filters`),
    ...rule.backendRefs.flatMap((ref, i) => checkFilters(ref.filters, rule.matches, `${field}.backendRefs[${i}].filters`)),
    ...checkRedirect(rule, field),
    ...checkPorts(rule.backendRefs, `${field}.backendRefs`),
    ...checkTimeouts(rule.timeouts, `${field}.timeouts`),
    ...checkSessionPersistence(rule.sessionPersistence, `${field}.sessionPersistence`),
  ];
}

/** A redirect answers the request itself, so the rule must have no backends. */
function checkRedirect(rule: HttpRouteRule, field: string): FieldError[] {
  if (rule.backendRefs.length === 0 || !rule.filters.some((filter) => filter.type === 'RequestRedirect')) return [];
  return [{ field: `${field}.backendRefs`, reason: 'must be empty in a rule with a RequestRedirect filter' }];
}
