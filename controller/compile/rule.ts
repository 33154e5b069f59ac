// Shared by the rules of HTTPRoutes and GRPCRoutes: the part of a Route that a rule decides, and its backends.
import { describeError, type FieldError } from '#api/k8s/field-error.ts';
import type { GrpcBackendRef, GrpcRouteRule, HttpBackendRef, HttpRouteRule } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import { resolveBackendRef, type RouteReferrer } from './backend-refs.ts';
import type { BackendObstacle } from './conditions.ts';
import { compileFilters, unsupportedFilters } from './filters.ts';
import type { RuleOutcome } from './route-status.ts';
import type { View } from './view.ts';

/** The part of a Route resource that a rule decides. */
export type RuleContent = Pick<
  ir.Route,
  'matches' | 'filters' | 'backends' | 'timeouts' | 'retry' | 'http2' | 'sessionPersistence' | 'invalidReason'
>;

/** A compiled rule. */
export interface CompiledRule extends RuleOutcome {
  readonly content: RuleContent;
}

/** No timeouts. */
export const NO_TIMEOUTS: ir.RouteTimeouts = { request: null, backendRequest: null };

/** The first problem of the rule: a violation of its schema in `broken`, or an unsupported filter. */
export function problemOf(broken: readonly FieldError[], rule: HttpRouteRule | GrpcRouteRule, field: string): string | null {
  const [problem] = [
    ...broken,
    ...unsupportedFilters(rule.filters, `${field}.filters`),
    ...rule.backendRefs.flatMap((ref, i) => unsupportedFilters(ref.filters, `${field}.backendRefs[${i}].filters`)),
  ];
  return problem === undefined ? null : describeError(problem);
}

/** Answers every request that matches with an error. */
export function unservable(matches: ir.Match[], problem: string): RuleContent {
  return { matches, filters: [], backends: [], timeouts: NO_TIMEOUTS, retry: null, invalidReason: problem };
}

type BackendRef = HttpBackendRef | GrpcBackendRef;

/** The obstacles of references that are not served, for the status only. */
export function obstaclesOf(view: View, from: RouteReferrer, refs: readonly BackendRef[], field: string): BackendObstacle[] {
  return refs.flatMap((ref, i) => resolveBackendRef(view, from, ref, `${field}[${i}]`).obstacle ?? []);
}

/** A backend, and the obstacles of its references. */
export interface CompiledBackend {
  readonly backend: ir.RouteBackend;
  readonly obstacles: readonly BackendObstacle[];
}

/** A backend that cannot be resolved keeps its weight: its share of the requests gets an error response. */
export function compileBackend(view: View, from: RouteReferrer, ref: BackendRef, field: string): CompiledBackend {
  const { cluster, obstacle } = resolveBackendRef(view, from, ref, field);
  const { filters, obstacles } = compileFilters(view, from, ref.filters, `${field}.filters`);
  const backend = {
    cluster,
    ...(obstacle === null ? {} : { invalidReason: obstacle.message }),
    weight: ref.weight,
    filters: [...filters],
  };
  return { backend, obstacles: [...(obstacle === null ? [] : [obstacle]), ...obstacles] };
}
