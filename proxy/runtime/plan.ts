// IR route > plan: everything about a route that can be decided before a request comes is decided here.
import type * as ir from '#api/ir/ir.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { BackendPlan, RoutePlan, UpstreamCluster } from '../exchange/plan.ts';
import { buildRequestChain, buildResponseChain } from '../filter/chain.ts';
import type { StreamCluster, StreamPlan } from '../exchange/stream-plan.ts';
import type { FilterDependencies } from '../filter/chain.ts';

/** What plans are made with. */
export interface PlanOptions {
  /** The cluster of a key; the same object for as long as the key is in use. */
  readonly cluster: (key: string) => UpstreamCluster;
  readonly filters: FilterDependencies;
}

/** The plan of a route. */
export function buildPlan(route: ir.Route, options: PlanOptions): RoutePlan {
  const backends = route.backends.filter((backend) => backend.weight > 0).map((backend) => buildBackend(backend, options));
  return Object.freeze({
    key: route.key,
    routeName: `${route.namespace}/${route.name}`,
    error: route.invalidReason === undefined ? null : ERRORS.routeInvalid,
    requestFilters: buildRequestChain(route.filters, options.filters),
    responseFilters: buildResponseChain(route.filters, options.filters),
    backends,
    totalWeight: backends.reduce((sum, backend) => sum + backend.weight, 0),
    requestTimeout: route.timeouts.request ?? 0,
    backendRequestTimeout: route.timeouts.backendRequest ?? 0,
    retry: route.retry,
    http2: route.http2 === true,
  });
}

/** The plan of a stream route. */
export function buildStreamPlan(route: ir.StreamRoute, cluster: (key: string) => StreamCluster): StreamPlan {
  const backends = route.backends.filter(({ weight }) => weight > 0);
  return Object.freeze({
    key: route.key,
    routeName: `${route.namespace}/${route.name}`,
    backends: backends.map((backend) => ({ cluster: backend.cluster === null ? null : cluster(backend.cluster), weight: backend.weight })),
    totalWeight: backends.reduce((sum, { weight }) => sum + weight, 0),
  });
}

function buildBackend(backend: ir.RouteBackend, options: PlanOptions): BackendPlan {
  return Object.freeze({
    cluster: backend.cluster === null ? null : options.cluster(backend.cluster),
    error: backend.cluster === null ? ERRORS.backendInvalid : null,
    weight: backend.weight,
    requestFilters: buildRequestChain(backend.filters, options.filters),
    responseFilters: buildResponseChain(backend.filters, options.filters),
  });
}
